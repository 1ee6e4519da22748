// A guest that writes 4 KiB at random places, over NBD, at a steady rate: a process of its own, started by the live benchmark with
// its orders. It says when it has seen what is usual, is told when a move began and paused, and then checks what it finds.
import { once } from "node:events";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";

import { openNbd, parseNbdUrl } from "@blkmig/nbd";

import { createLatencies } from "./writer-latencies.ts";
import { writeSteadily } from "./writer-pace.ts";
import { createSectors, SECTOR } from "./writer-sectors.ts";
import { monotonicMs, type MoveTimes, type WriterOrders, type WriterSaying } from "./writer-words.ts";

/** Written after it was told of the move: what comes after the pause is part of it. */
const AFTER_MS = 250;
const CHECKED = 1000;

const orders = JSON.parse(process.argv[2]!) as WriterOrders;
const say = (saying: WriterSaying): void => void process.stdout.write(`${JSON.stringify(saying)}\n`);

/** One connection, as a QEMU has, that is never made anew: a guest is to notice nothing. */
const disk = await openNbd(parseNbdUrl(orders.url), { connections: 1, reconnectFor: 0 });
const sectors = createSectors(disk.size / SECTOR);
const latencies = createLatencies();
const idleFrom = monotonicMs() + orders.warmUpMs;
setTimeout(() => say({ says: "ready" }), orders.warmUpMs + orders.idleMs);
let told: { readonly move: MoveTimes; readonly at: number } | undefined;

const telling = once(createInterface({ input: process.stdin }), "line").then(([line]) => {
  told = { move: JSON.parse(String(line)) as MoveTimes, at: monotonicMs() };
});
await writeSteadily({
  disk,
  sectors,
  latencies,
  bytesPerSecond: orders.bytesPerSecond,
  isOver: (now) => told !== undefined && now >= told.at + AFTER_MS,
});
await telling;
const checked = await checkSample();
await disk.close();
say({ says: "figures", figures: { ...latencies.figures(idleFrom, told!.move), checked } });

/** Reads sectors by the connection that was there from the beginning. Throws if one has other bytes than it should. */
async function checkSample(): Promise<number> {
  await using original = await open(orders.original);
  const found = new Uint8Array(SECTOR);
  const before = new Uint8Array(SECTOR);
  const chosen = sectors.sample(CHECKED);
  for (const sector of chosen) {
    await disk.read(sector * SECTOR, found);
    const last = sectors.expected(sector);
    if (!last) await original.read(before, 0, SECTOR, sector * SECTOR);
    if (Buffer.compare(found, last ?? before) === 0) continue;
    throw new Error(`the sector at ${sector * SECTOR} has not what was ${last ? "written last" : "there before"}`);
  }
  return chosen.length;
}
