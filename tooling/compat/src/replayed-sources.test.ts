import { createHash } from "node:crypto";

import { createRandom } from "@blkmig/testkit";
import { describe, expect, test } from "vitest";

import { contentOf, finalContents } from "./disk-content.ts";
import { manifestOf, readTranscript, revisions } from "./fixtures.ts";
import { type PlayedSource, playSource } from "./play-source.ts";
import { type Message, saidWithin } from "./said-by-sink.ts";
import type { Transcript } from "./transcript.ts";

/** So many bytes are fed one by one. */
const FEW = 100_000;

/** Keys that a later sink may say otherwise: who it is, how fast, how much it takes, in which words. */
const FREE = new Set(["sink", "epoch", "ms", "frameBytes", "window", "features", "message"]);
/** Keys that it must say alike, and no others are looked at: it may add some. */
const essenceOf = (message: Message, like: Message = message): object =>
  Object.fromEntries(Object.keys(like).flatMap((key) => (FREE.has(key) ? [] : [[key, message[key]]])));

async function assertPlayed(transcript: Transcript, played: PlayedSource): Promise<void> {
  const { scenario, connections, contents, decided } = transcript;
  expect(played.decided).toEqual(decided);
  expect(played.sink).toBe(transcript.sink);
  for (const [index, { sink, isCut, readBySource }] of connections.entries()) {
    const before = saidWithin(sink, isCut ? readBySource : Infinity);
    const now = played.said[index]!;
    // What the recorded source did not live to hear may be said or not.
    const count = isCut ? before.messages.length : Infinity;
    const answers = isCut ? before.answers.length : Infinity;
    const essences = now.messages.slice(0, count).map((message, at) => essenceOf(message, before.messages[at]));
    expect(essences).toEqual(before.messages.map((message) => essenceOf(message)));
    expect(now.answers.slice(0, answers)).toEqual(before.answers);
    expect(now.written).toBeGreaterThanOrEqual(before.written);
    expect(now.durable).toBeGreaterThanOrEqual(before.durable);
    expect(played.ends[index]!.how).toBe(isCut ? "cut" : "over");
  }
  if (transcript.sink !== "completed") return;
  const final = await finalContents(scenario);
  for (const [index, target] of played.targets.entries()) {
    expect(createHash("sha256").update(final[index]!).digest("hex")).toBe(contents[index]);
    expect(Buffer.compare(await contentOf(target), final[index]!), `disk ${index}`).toBe(0);
  }
}

describe.each(revisions())("today's sink takes what the source of %s said", (revision) => {
  test.each(manifestOf(revision).transcripts)("%s", async (name) => {
    const transcript = readTranscript(revision, name);
    await assertPlayed(transcript, await playSource(transcript, (available) => available));
  });

  test.each(manifestOf(revision).transcripts)("%s, in random pieces", async (name) => {
    const transcript = readTranscript(revision, name);
    for (let seed = 0; seed < 10; seed++) {
      const random = createRandom(seed);
      const most = random.pick([40, 700, 20_000]);
      await assertPlayed(transcript, await playSource(transcript, () => 1 + random.int(most)));
    }
  });

  const bytesOf = ({ connections }: Transcript): number => Math.max(...connections.map((each) => each.readBySink));
  const few = manifestOf(revision).transcripts.filter((name) => bytesOf(readTranscript(revision, name)) < FEW);
  test.each(few)("%s, byte by byte", async (name) => {
    const transcript = readTranscript(revision, name);
    await assertPlayed(transcript, await playSource(transcript, () => 1));
  });
});
