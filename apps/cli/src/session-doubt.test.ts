import { closeSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { type Halt, haltAt, type Place } from "./halt.test-kit.ts";
import { MIB, sameFiles } from "./make-disks.test-kit.ts";
import { type Ended, refusal, refused, runBlkmig } from "./run-blkmig.test-kit.ts";
import { createMove, type Move, statusOf } from "./session-move.test-kit.ts";

const SIZE = 24 * MIB + 512;
const GRANULE = 64 * 1024;

async function startHalted(place: Place, ...options: readonly string[]): Promise<{ move: Move; halt: Halt }> {
  const halt = haltAt(place);
  const move = await createMove({ wire: "tcp", target: "garbage", size: SIZE, seed: 5, options, watch: halt.watch });
  await move.receive();
  move.send();
  await halt.reached;
  return { move, halt };
}

/** Changes one byte of each of these granules. */
function touch(disk: string, granules: readonly number[]): void {
  const file = openSync(disk, "r+");
  for (const granule of granules) {
    const at = granule * GRANULE + 77;
    const byte = new Uint8Array(1);
    readSync(file, byte, 0, 1, at);
    byte[0]! ^= 0x10;
    writeSync(file, byte, 0, 1, at);
  }
  fsyncSync(file);
  closeSync(file);
}

function dataBytes({ events }: Ended): number {
  const { disks } = events.at(-1) as unknown as { readonly disks: readonly [{ readonly "data-bytes": number }] };
  return disks[0]["data-bytes"];
}

/** All has come, and is on record as held; nothing is sealed. */
const ALL_HELD: Place = { way: "back", say: "ready", edge: "before" };

describe("between two runs", () => {
  it("a target that was touched where it is on record as held is found out, and that alone is sent again", async () => {
    const { move, halt } = await startHalted(ALL_HELD, "--no-verify");
    await move.kill("sender");
    await move.kill("receiver");
    halt.release();
    const { held } = JSON.parse(readFileSync(`${move.target}.blkmig`, "utf8")) as { held: [number, number][] };
    expect(held.reduce((sum, [, length]) => sum + length, 0)).toBeGreaterThan(SIZE - GRANULE);
    touch(move.target, [0, 100, 101, 300]);
    const { sender } = await move.finish();
    expect(sameFiles(move.source, move.target)).toBe(true);
    expect(dataBytes(sender)).toBeLessThanOrEqual(3 * MIB); // a hash speaks of a MiB at most
  });

  it("a source that was written is sent again where it was, by a receiver that lived on", async () => {
    const { move, halt } = await startHalted(ALL_HELD, "--no-verify");
    await move.kill("sender");
    halt.release();
    touch(move.source, [0, 7, 150]);
    const { sender } = await move.finish();
    expect(move.starts).toEqual({ sender: 2, receiver: 1 });
    expect(sameFiles(move.source, move.target)).toBe(true);
    expect(dataBytes(sender)).toBeLessThanOrEqual(3 * MIB);
  });
});

/** The receiver dies for good when commit was asked for. */
async function leaveInDoubt(place: Place): Promise<{ move: Move; sent: Ended; migration: string }> {
  const { move, halt } = await startHalted(place, "--reconnect-for", "1s");
  expect(move.records.now.source).toBe("asked");
  await move.kill("receiver");
  move.relay.cut();
  halt.release();
  const sent = await move.ended("sender");
  expect(refusal(sent)).toEqual(refused(4, /it is not known whether the receiver has committed/));
  const migration = String(sent.events.at(-1)!["migration"]);
  return { move, sent, migration };
}

const NOT_HEARD: Place = { way: "there", say: "commit", edge: "before" };
const NOT_ANSWERED: Place = { way: "back", say: "committed", edge: "before" };

describe("a receiver that dies when commit was asked for", () => {
  it.each([
    ["before it hears that", NOT_HEARD, "sealed"],
    ["when it has decided, before it says so", NOT_ANSWERED, "committed"],
  ] as const)("%s: in doubt, until both come back", async (_, place, state) => {
    const { move, sent, migration } = await leaveInDoubt(place);
    expect(move.records.now).toEqual({ source: "asked", target: state });
    const line = `blkmig resolve --source ${move.source}`;
    const commands = [`${line} --keep ${migration}`, `${line} --gone ${migration}`];
    expect(sent.events.at(-1)).toMatchObject({ event: "in-doubt", migration, resolve: commands });
    const again = await runBlkmig(["send", move.relay.url, "--disk", `a=${move.source}`]);
    expect(refusal(again)).toEqual(refused(3, /is in doubt/));
    expect(move.records.now).toEqual({ source: "asked", target: state });
    await move.finish();
    expect(await statusOf(move)).toEqual({ source: "moved", target: "complete" });
    expect(sameFiles(move.source, move.target)).toBe(true);
    expect(move.records.wrongs).toEqual([]);
  });

  const resolve = async (...args: readonly string[]): Promise<number | null> =>
    (await runBlkmig(["resolve", ...args])).code;

  it("and is found sealed: resolved by hand to have moved", async () => {
    const { move, migration } = await leaveInDoubt(NOT_HEARD);
    expect(await resolve("--target", move.target, "--commit", migration)).toBe(0);
    expect(await resolve("--source", move.source, "--gone", migration)).toBe(0);
    expect(await statusOf(move)).toEqual({ source: "moved", target: "complete" });
    expect(sameFiles(move.source, move.target)).toBe(true);
    expect(move.records.wrongs).toEqual([]);
  });

  it("and is found sealed: resolved by hand to have stayed, and sent once more", async () => {
    const { move, migration } = await leaveInDoubt(NOT_HEARD);
    expect(await resolve("--target", move.target, "--abort", migration)).toBe(0);
    expect(await resolve("--source", move.source, "--keep", migration)).toBe(0);
    expect(await statusOf(move)).toEqual({ source: "free", target: "incomplete" });
    await move.finish();
    expect(await statusOf(move)).toEqual({ source: "moved", target: "complete" });
    expect(sameFiles(move.source, move.target)).toBe(true);
    expect(move.records.wrongs).toEqual([]);
  });
});
