import { closeSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";

import { createRandom } from "@blkmig/testkit";
import { expect, it } from "vitest";

import { countFrames } from "./count-frames.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";
import { emptyNodeMemory, measureMemory } from "./measure-memory.test-kit.ts";
import { startRelay } from "./relay.test-kit.ts";
import { runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const TIB = 1024 * 1024 * MIB;
const PIECES = 64;
/** What either process may need beyond an empty Node.js, whatever the disk. */
const MEMORY_LIMIT = 150 * MIB;

/** A hole of 3 TiB, and pieces of a MiB of data strewn over it. */
function makeVast(path: string): void {
  const file = openSync(path, "w");
  ftruncateSync(file, 3 * TIB);
  const random = createRandom(3);
  for (let piece = 0; piece < PIECES; piece++) {
    writeSync(file, random.bytes(MIB), 0, MIB, random.int(3 * 1024 * 1024) * MIB);
  }
  closeSync(file);
}

it.each([
  ["--no-verify", 0],
  ["--verify", 1],
] as const)(
  "3 TiB of holes with 64 MiB of data, %s: frames, memory and the copy grow with the data",
  async (flag, asked) => {
    const path = temporaryFolder();
    const [source, target] = [path("source"), path("target")];
    makeVast(source);
    const counter = countFrames();
    const relay = await startRelay("tcp://127.0.0.1:0", counter.watch);
    const [sending, receiving] = [measureMemory(path("sender")), measureMemory(path("receiver"))];
    const args = ["receive", "tcp://127.0.0.1:0", "--json", "--create", "--disk", `a=${target}`];
    const receiver = startBlkmig(args, { env: receiving.env });
    relay.leadTo(await receiver.url());
    const sent = await runBlkmig(["send", relay.url, "--json", "--disk", `a=${source}`, flag], { env: sending.env });
    expect([sent.code, (await receiver.ended).code, sent.stderr]).toEqual([0, 0, ""]);
    expect(sent.events.at(-1)).toMatchObject({ total: 3 * TIB, disks: [{ "data-bytes": PIECES * MIB }] });

    const { data, hole, hash } = counter.frames();
    expect(data + hole).toBeLessThan(PIECES + 100);
    expect(hash).toBeLessThanOrEqual(asked * (2 * PIECES + 100));
    expect(relay.passed.there).toBeLessThan(PIECES * MIB + 64 * 1024);
    expect(statSync(target).blocks * 512).toBeLessThan(80 * MIB);
    const limit = emptyNodeMemory(path("empty")) + MEMORY_LIMIT;
    expect(sending.peak()).toBeLessThan(limit);
    expect(receiving.peak()).toBeLessThan(limit);
    expect(await runBlkmig(["verify", source, target])).toMatchObject({ code: 0 });
  },
);
