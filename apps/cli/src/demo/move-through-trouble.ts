import { setTimeout as wait } from "node:timers/promises";

import { openDisk } from "@blkmig/device";
import { placeOfRecord, readRecord } from "@blkmig/journal";

import { formatBytes } from "../output/format-amounts.ts";
import type { CommandWorld } from "../run-command.ts";
import { type DemoEvent, type DemoProcess, startReceiver, startSender } from "./demo-processes.ts";
import { describeMove, describePass } from "./describe-move.ts";
import type { DemoImage } from "./make-image.ts";
import type { Relay } from "./relay.ts";

const MiB = 1024 * 1024;
/** So much has been sent when the wire is cut. */
const CUT_AFTER = 40 * MiB;
const LOOK_EVERY_MS = 20;

export interface Stage {
  readonly image: DemoImage;
  /** Bytes that the disk held at first. */
  readonly data: number;
  readonly target: string;
  readonly relay: Relay;
  /** What runs now: ended by whoever ends the demo. */
  readonly children: Set<DemoProcess>;
}

/** What happens on the way, in order: each waits for what it disturbs. */
type Trouble = "cut" | "kill" | "none";

/** Moves the disk; gives the number of the guest's last record. Throws if the migration fails. */
export async function moveThroughTrouble(stage: Stage, { output, signal }: CommandWorld): Promise<number> {
  const { image, target, relay, children } = stage;
  let receiver = await receive(stage, "first");
  output.say("");
  output.say("A receiver, and a sender in another process, whose guest writes all along; a relay between them:");
  const sender = startSender(relay.url, image.path, image.area);
  children.add(sender);
  let next: Trouble = "cut";
  let end: DemoEvent | undefined;

  const kill = async (): Promise<void> => {
    await untilHeld(target, signal);
    output.say("  ✂ the receiver is killed (SIGKILL), in the middle of the next pass");
    receiver.kill();
    await receiver.ended;
    receiver = await receive(stage, "again");
    output.say("    it is started again with --resume: what it says to hold is hashed on both sides");
    sender.letEnd();
  };

  for (let told = await sender.events.next(); !told.done; told = await sender.events.next()) {
    const event = (end = told.value);
    const number = (key: string): number => Number(event[key] ?? 0);
    if (event.event === "reconnect" && event["waitMs"] === undefined) output.say("    connected again");
    if (event.event === "warning") output.warn(String(event["message"]));
    if (event.event === "pass") output.say(`  ${describePass(event)}`);
    if (event.event === "status") showStatus(event, output);
    if (next === "cut" && number("transferred") > CUT_AFTER) {
      output.say(`  ✂ the connection is cut, with ${formatBytes(number("transferred"))} sent`);
      relay.cut();
      next = "kill";
    } else if (next === "kill" && event.event === "pass") {
      next = "none";
      void kill().catch(() => sender.kill());
    }
  }
  output.endProgress();
  if (signal.aborted) return 0;
  const codes = await Promise.all([sender.ended, receiver.ended]);
  if (end?.event !== "completed" || codes[0] !== 0 || codes[1] !== 0) {
    const why = end?.event === "failed" ? String(end["message"]) : "one of the two processes ended early";
    throw new Error(`the migration failed: ${why}`);
  }
  for (const line of describeMove(end, stage.data)) output.say(line);
  return Number(end["newest"]);
}

/** Starts a receiver and has the relay pass on to it. */
async function receive({ target, relay, children }: Stage, how: "first" | "again"): Promise<DemoProcess> {
  const receiver = startReceiver(target, how);
  children.add(receiver);
  for (;;) {
    const told = await receiver.events.next();
    if (told.done) throw new Error("the receiver did not start");
    if (told.value.event !== "listening") continue;
    relay.passTo(String(told.value["url"]));
    void drain(receiver);
    return receiver;
  }
}

/** A pipe that nobody reads would hold the process up. */
async function drain({ events }: DemoProcess): Promise<void> {
  for (let told = await events.next(); !told.done; told = await events.next());
}

/** Waits until the receiver has recorded what it holds on stable storage: what is not is sent again. */
async function untilHeld(target: string, signal: AbortSignal): Promise<void> {
  const disk = await openDisk(target, { readOnly: true, lock: false });
  const place = await placeOfRecord(disk);
  await disk.close();
  for (;;) {
    const record = await readRecord(place.path);
    if (record?.role === "target" && record.held.length > 0) return;
    await wait(LOOK_EVERY_MS, undefined, { signal });
  }
}

function showStatus(event: DemoEvent, output: CommandWorld["output"]): void {
  const number = (key: string): number => Number(event[key] ?? 0);
  if (event["status"] === "device") output.say("  switchover: the guest is paused, the rest is sent and proved");
  const total = number("total");
  output.progress({ phase: String(event["phase"]), done: total - number("remaining"), total, rate: 0 }, {});
}
