import { readdirSync, readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { type Besieged, besiege, connectAgreed } from "./besieged-receiver.test-kit.ts";
import { connectHostile, hello, type HostilePeer, PREFACE, rawFrame, say } from "./hostile-peer.test-kit.ts";
import { disk, FIRST_WORDS, LATER_WORDS } from "./hostile-words.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";

/** Bytes that a peer may cost who has not been let in: a buffer to read into, and little more. */
const MOST_OF_A_STRANGER = 256 * 1024;

async function held(on: Besieged): Promise<number> {
  return (await on.memory()).held;
}

/** The log tells each of so many; what comes after them it counts. */
const TOLD_ONE_BY_ONE = 5;
const liars = Object.entries(FIRST_WORDS);
const companies = Array.from({ length: Math.ceil(liars.length / TOLD_ONE_BY_ONE) }, (_, at) =>
  liars.slice(at * TOLD_ONE_BY_ONE, (at + 1) * TOLD_ONE_BY_ONE),
);

it.each(companies)(
  "who lies before anything is agreed is dropped with a sentence, for next to nothing: %#",
  async (...company) => {
    const on = await besiege();
    const lieAll = async (logged: (name: string, sentence: RegExp) => Promise<void>): Promise<void> => {
      for (const [name, [bytes, sentence]] of company) {
        const peer = await connectHostile(on.url);
        peer.put(Buffer.concat([PREFACE, bytes]));
        await peer.dropped;
        await logged(peer.name, sentence);
        // Only who speaks another version is told anything: he may be well-meaning.
        expect([name, peer.heard.includes('"say":"refused"')]).toEqual([name, name === "a later version"]);
      }
    };
    await lieAll((name, sentence) => on.logged(name, sentence)); // and what everybody needs once
    const before = await on.memory();
    await lieAll(async () => {});
    const after = await on.memory();
    expect(after.held - before.held).toBeLessThan(MIB);
    expect(after.resident - before.resident).toBeLessThan(MIB * liars.length);
    expect(readdirSync(on.folder)).toEqual(["target"]);
    expect(readFileSync(on.target).every((byte) => byte === 0xee)).toBe(true);
    await on.serves();
  },
);

it("who lies when it was let in is dropped with a sentence, and others come after it", async () => {
  const on = await besiege();
  let failed = 0;
  const lieAll = async (round: number): Promise<void> => {
    for (const [at, [name, [bytes, sentence]]] of Object.entries(LATER_WORDS).entries()) {
      const migration = `m-${round}-${at}`;
      const peer = await connectAgreed(on.url, migration);
      peer.put(bytes);
      await peer.dropped;
      expect([name, await on.failed(++failed)]).toEqual([name, expect.stringMatching(sentence)]);
    }
  };
  await lieAll(1);
  const before = await held(on);
  await lieAll(2);
  expect((await held(on)) - before).toBeLessThan(MIB);
  await on.serves();
});

it("no name of a disk leads out of what was said with --disk", async () => {
  const on = await besiege();
  const names = [
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a/../a",
    "a\0",
    "\0",
    "",
    ".",
    "A",
    "a ",
    "\ufeffa",
    "__proto__",
  ];
  for (const [at, name] of names.entries()) {
    const peer = await connectHostile(on.url);
    peer.put(Buffer.concat([PREFACE, hello(`m-${at}`, { disks: [disk({ name })] })]));
    await peer.dropped;
    expect([name, peer.heard.includes('"say":"welcome"')]).toEqual([name, false]);
    expect(readdirSync(on.folder)).toEqual(["target"]);
  }
  expect(readFileSync(on.target).every((byte) => byte === 0xee)).toBe(true);
  await on.serves();
});

/** Puts the same again and again until the receiver takes no more of it; gives what the receiver then holds. */
async function flood(on: Besieged, peer: HostilePeer, piece: Buffer, bytes: number): Promise<number> {
  peer.goDeaf();
  for (let put = 0; put < bytes; put += piece.length) peer.put(piece);
  for (let sent = -1; sent !== peer.sent;) {
    sent = peer.sent;
    await on.memory();
  }
  expect(peer.sent).toBeLessThan(bytes);
  return held(on);
}

const times = (count: number, frame: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => frame));

it.each([
  ["PING", times(2048, rawFrame({ type: 7, offset: 1n }))],
  ["questions about zeroes", times(2048, rawFrame({ type: 3, flags: 1, length: 512n }))],
  ["questions about bytes", times(1024, rawFrame({ type: 3, length: BigInt(MIB), payload: Buffer.alloc(32) }))],
  ["FLUSH", times(1024, say({ say: "flush", serial: 1 }))],
])("a flood of %s whose answers nobody reads is not taken in", async (_, piece) => {
  const on = await besiege();
  const peer = await connectAgreed(on.url, "m-flood");
  const before = await held(on);
  const during = await flood(on, peer, piece, 64 * MIB);
  expect(during - before).toBeLessThan(MIB);
  peer.leave();
  await on.failed(1);
  await on.serves();
});

it("200 peers that say nothing cost little, and are gone in time", async () => {
  const on = await besiege("--recognise-within", "1s");
  await on.serves();
  const before = await held(on);
  const first = await connectHostile(on.url);
  first.put(PREFACE.subarray(0, 5));
  const others = await Promise.all(Array.from({ length: 199 }, async () => connectHostile(on.url)));
  const during = await held(on);
  expect(during - before).toBeLessThan(64 * MOST_OF_A_STRANGER); // no more are kept at once
  await Promise.all([first, ...others].map(async ({ dropped }) => dropped));
  await on.logged(first.name, /when 64 others/);
  await on.logged("", /said nothing for 1000 ms/);
  await on.serves();
});

it("200 handshakes that stop halfway cost little, and a sender that behaves is served among them", async () => {
  const on = await besiege();
  await on.serves();
  const before = await held(on);
  const half = hello("m-half").subarray(0, 100);
  const peers: HostilePeer[] = [];
  for (let count = 0; count < 200; count++) {
    const peer = await connectHostile(on.url); // one by one: no more than 64 may be unknown at once
    peer.put(Buffer.concat([PREFACE, half]));
    peers.push(peer);
  }
  const during = await held(on);
  expect(during - before).toBeLessThan(peers.length * MOST_OF_A_STRANGER);
  await on.serves();
  await Promise.all(peers.map(async ({ dropped }) => dropped));
});
