import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDisk } from "@blkmig/device";

import { formatBytes } from "../output/format-amounts.ts";
import type { Output } from "../output/output.ts";
import { type DemoProcess, trySending } from "./demo-processes.ts";
import { type DemoImage, makeImage } from "./make-image.ts";
import { moveThroughTrouble } from "./move-through-trouble.ts";
import { createRelay } from "./relay.ts";
import { verifyCopy } from "./verify-copy.ts";

/** Moves a disk under a writing guest, through a cut and a kill. Throws if anything is not as it must be. */
export async function runDemo(output: Output, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "blkmig-demo-"));
  const children = new Set<DemoProcess>();
  const relay = await createRelay();
  const stop = (): void => {
    for (const child of children) child.kill();
  };
  signal.addEventListener("abort", stop);
  try {
    const image = await makeImage(folder);
    const data = await dataBytes(image);
    output.say(
      `A disk of ${formatBytes(image.size)}: ${image.holds}, and ${formatBytes(image.area.length)} for its guest.`,
    );
    const target = join(folder, "target.img");
    const newest = await moveThroughTrouble({ image, data, target, relay, children }, { output, signal });
    if (signal.aborted) return;
    output.say("");
    output.say("Looked at afterwards:");
    await verifyCopy({ image, target, newest }, { output, signal });
    const refused = signal.aborted ? undefined : await trySending(image.path);
    if (refused?.event === "failed") output.say(`  and the source has one owner: ${withoutFolder(refused, folder)}`);
  } finally {
    stop();
    relay.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the disk holds besides holes. */
async function dataBytes({ path }: DemoImage): Promise<number> {
  const disk = await openDisk(path, { readOnly: true });
  try {
    let bytes = 0;
    for await (const { length, zero } of disk.extents(0, disk.size)) if (!zero) bytes += length;
    return bytes;
  } finally {
    await disk.close();
  }
}

const withoutFolder = ({ message }: Readonly<Record<string, unknown>>, folder: string): string =>
  String(message).replaceAll(`${folder}/`, "");
