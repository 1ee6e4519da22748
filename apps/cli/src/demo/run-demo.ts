import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDisk } from "@blkmig/device";

import { formatBytes, formatTime } from "../output/format-amounts.ts";
import type { Output } from "../output/output.ts";
import { firstDifference } from "../verify/first-difference.ts";
import { type DemoEvent, type DemoProcess, startReceiver, startSender } from "./demo-processes.ts";
import { checkRecords, RECORD_BYTES } from "./guest-records.ts";
import { type DemoImage, fileSystemIsSound, makeImage } from "./make-image.ts";

/** Before that a rate is chance. */
const RATE_KNOWN_AFTER_MS = 200;

/** Moves a disk twice, over TCP and over WebSocket. Throws if anything is not as it must be. */
export async function runDemo(output: Output, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "blkmig-demo-"));
  const children = new Set<DemoProcess>();
  const stop = (): void => {
    for (const child of children) child.kill();
  };
  signal.addEventListener("abort", stop);
  try {
    const image = await makeImage(folder);
    output.say(
      `A disk of ${formatBytes(image.size)}: ${image.holds}, and ${formatBytes(image.area.length)} for its guest.`,
    );
    for (const scheme of ["tcp", "ws"]) {
      if (signal.aborted) return;
      await moveOnce(image, `${scheme}://127.0.0.1:0`, join(folder, `target-${scheme}.img`), {
        output,
        signal,
        children,
      });
    }
  } finally {
    stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly children: Set<DemoProcess>;
}

async function moveOnce(
  image: DemoImage,
  url: string,
  target: string,
  { output, signal, children }: Stage,
): Promise<void> {
  const receiver = startReceiver(url, target, image.size);
  children.add(receiver);
  const receiving = receiver.events[Symbol.asyncIterator]();
  const listening = await receiving.next();
  if (listening.done) throw new Error("the receiver did not start");
  const address = String(listening.value["url"]);
  output.say("");
  output.say(`Receiver: blkmig receive ${address}. Sender: another process; its guest writes all along.`);

  const received = drain(receiving);
  const sender = startSender(address, image.path, image.area);
  children.add(sender);
  const end = await follow(sender, output);
  const codes = await Promise.all([sender.ended, receiver.ended, received]);
  children.delete(sender);
  children.delete(receiver);
  if (signal.aborted) return;
  if (end?.event !== "completed" || codes[0] !== 0 || codes[1] !== 0) {
    const why = end?.event === "failed" ? String(end["message"]) : "one of the two processes ended early";
    throw new Error(`the migration failed: ${why}`);
  }
  tellEnd(end, output);
  await verify(image, target, Number(end["newest"]), output, signal);
}

async function drain(events: AsyncIterator<DemoEvent>): Promise<void> {
  for (let next = await events.next(); !next.done; next = await events.next());
}

/** Tells what the sender tells; gives its last event. */
async function follow(sender: DemoProcess, output: Output): Promise<DemoEvent | undefined> {
  let last: DemoEvent | undefined;
  for await (const event of sender.events) {
    last = event;
    const number = (key: string): number => Number(event[key] ?? 0);
    if (event.event === "pass") output.say(`  ${describePass(number)}`);
    if (event.event !== "status") continue;
    if (event["status"] === "device") output.say("  switchover: the guest is paused, the rest is sent");
    const total = number("total");
    const elapsed = number("totalTime");
    const rate = elapsed < RATE_KNOWN_AFTER_MS ? 0 : (number("transferred") * 1000) / elapsed;
    output.progress({ phase: String(event["phase"]), done: total - number("remaining"), total, rate }, {});
  }
  output.endProgress();
  return last;
}

function describePass(number: (key: string) => number): string {
  const passes = number("dirtySyncCount");
  const rate = formatBytes((number("transferred") * 1000) / Math.max(1, number("totalTime")));
  const sent = `${formatBytes(number("transferred"))} sent at ${rate}/s`;
  const dirtied = `the guest has dirtied ${formatBytes(number("remaining"))} meanwhile`;
  return `${passes === 1 ? "bulk" : `pass ${passes - 1}`} done: ${sent}; ${dirtied}`;
}

function tellEnd(end: DemoEvent, output: Output): void {
  const number = (key: string): number => Number(end[key] ?? 0);
  const written = formatBytes(number("answered") * RECORD_BYTES);
  output.say(
    `  completed and proved by the receiver in ${formatTime(number("totalTime"))}, downtime ${formatTime(number("downtime"))}, the receiver's flush included`,
  );
  output.say(
    `  the guest wrote ${number("answered")} records (${written}); its slowest write took ${formatTime(number("slowest"))}`,
  );
}

/** Both disks are compared byte by byte, then the copy is looked at as its guest would. */
async function verify(
  image: DemoImage,
  target: string,
  last: number,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const source = await openDisk(image.path, { readOnly: true });
  const copy = await openDisk(target, { readOnly: true });
  try {
    const difference = await firstDifference(source, copy, { signal, onProgress: () => {} });
    if (signal.aborted) return;
    if (difference !== undefined) throw new Error(`the disks differ at byte ${difference}`);
    output.say(`  both disks are equal, byte by byte: ${formatBytes(copy.size)}`);
    const { intact, corrupt, newest } = await checkRecords(copy, image.area);
    if (corrupt > 0) throw new Error(`${corrupt} of the guest's records are corrupt on the copy`);
    if (newest !== last)
      throw new Error(`the newest record on the copy is ${newest}; the guest was told that ${last} is written`);
    output.say(
      `  on the copy: ${intact} records intact, none corrupt, the newest is the last that was answered (${newest})`,
    );
  } finally {
    await Promise.all([source.close(), copy.close()]);
  }
  if (!image.hasFileSystem) return;
  const sound = await fileSystemIsSound(target);
  if (sound === false) throw new Error("e2fsck finds the copy's file system unsound");
  if (sound) output.say("  e2fsck finds its file system sound");
}
