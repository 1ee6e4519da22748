import { crc32 } from "node:zlib";

import type { Connection } from "@blkmig/transport/memory";
import { expect, test } from "vitest";

import { contentOf, finalContents, openOrigin, openTarget } from "./disk-content.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { DATA, messageOf, PREFACE, splitFrames, spokenIn } from "./session-bytes.ts";
import { type TappedWire, tappedWire } from "./tapped-wire.ts";
import { createSinkRecord, startSink } from "./todays-sink.ts";
import { runSource } from "./todays-source.ts";

/** A scenario whose source wishes for no checksums. */
const wishing = (name: string): Scenario => {
  const scenario = SCENARIOS[name]!;
  return { ...scenario, session: { ...scenario.session, checksums: false } };
};

/** What a source says, to a sink that knows no features: those that it hears of are as good as not said. */
function withoutFeatures(source: Connection): Connection {
  return {
    ...source,
    async send(data) {
      const bytes = Buffer.concat(data);
      // The preface comes with the first frame.
      const isOpening = bytes.subarray(0, PREFACE.length).equals(PREFACE);
      const [frame] = splitFrames(isOpening ? bytes : Buffer.concat([PREFACE, bytes]));
      const said = frame && spokenIn(frame);
      if (said?.say !== "hello") return source.send(data);
      await source.send([PREFACE, messageOf(JSON.stringify({ ...said, features: [] }))]);
    },
  };
}

async function migrated(scenario: Scenario, wire: TappedWire, source = wire.source): Promise<boolean> {
  const origins = await Promise.all(scenario.disks.map(openOrigin));
  const targets = await Promise.all(scenario.disks.map(openTarget));
  const held = scenario.disks.map(({ size }) => [{ offset: 0, length: size }]);
  const found = scenario.session.resume ? ({ state: "open", attempt: 0, held } as const) : null;
  const session = startSink(scenario, targets, createSinkRecord(), found);
  const ended = session.take(wire.sink).then(async () => wire.sink.finish());
  await runSource(scenario, "m-1", origins, async () => source);
  await ended;
  for (const [index, final] of (await finalContents(scenario)).entries()) {
    expect(Buffer.compare(await contentOf(targets[index]!), final), `disk ${index}`).toBe(0);
  }
  return (await session.ended).checksums;
}

/** The frames that the source sent, by hand: what stands in their headers for a checksum, and what it would be. */
function sentBy({ kept }: TappedWire) {
  return splitFrames(Buffer.concat(kept.source.map(({ bytes }) => bytes))).map(({ type, bytes, payload }) => ({
    type,
    said: Buffer.from(bytes).readUInt32BE(24),
    right: payload.length === 0 ? 0 : crc32(payload),
  }));
}

test.each(["plain", "two-disks", "guest-writes", "verify", "resume", "attempt-aborted"])(
  "what is agreed to go without checksums has none, and all else has its own: %s",
  async (name) => {
    const wire = tappedWire();
    expect(await migrated(wishing(name), wire)).toBe(false);
    const frames = sentBy(wire);
    const data = frames.filter(({ type }) => type === DATA);
    expect(data.length).toBeGreaterThan(2);
    for (const { said } of data) expect(said).toBe(0);
    for (const { type, said, right } of frames) if (type !== DATA) expect(said).toBe(right);
  },
);

test("a sink that does not know of it is sent checksums", async () => {
  const wire = tappedWire();
  expect(await migrated(wishing("verify"), wire, withoutFeatures(wire.source))).toBe(true);
  const frames = sentBy(wire);
  expect(frames.filter(({ type, said }) => type === DATA && said !== 0).length).toBeGreaterThan(3);
  for (const { said, right } of frames) expect(said).toBe(right);
});
