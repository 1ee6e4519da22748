import { createRandom } from "@blkmig/testkit";
import { describe, expect, test } from "vitest";

import { contentOf, openOrigin } from "./disk-content.ts";
import { manifestOf, readTranscript, revisions } from "./fixtures.ts";
import { outcomeOf } from "./outcome.ts";
import { playSink, type Split } from "./play-sink.ts";
import { runSource } from "./todays-source.ts";
import type { Transcript } from "./transcript.ts";

async function assertServed(transcript: Transcript, split: Split): Promise<void> {
  const { scenario, migration, source } = transcript;
  const origins = await Promise.all(scenario.disks.map(openOrigin));
  const sink = await playSink(transcript, split);
  const run = runSource(scenario, migration, origins, sink.connect);
  expect(await outcomeOf(run)).toBe(source);
  expect(sink.complaints()).toEqual([]);
  if (source !== "completed") return;
  const { proved, session } = await run;
  expect(proved).toBe(true);
  expect(session?.serve).toBe(scenario.serve);
  for (const [index, target] of sink.targets.entries()) {
    const same = Buffer.compare(await contentOf(target), await contentOf(origins[index]!)) === 0;
    expect(same, `disk ${index} is what the guest left`).toBe(true);
  }
}

describe.each(revisions())("today's source is served by what the sink of %s said", (revision) => {
  test.each(manifestOf(revision).transcripts)("%s", async (name) => {
    await assertServed(readTranscript(revision, name), (available) => available);
  });

  test.each(manifestOf(revision).transcripts)("%s, in random pieces", async (name) => {
    for (let seed = 0; seed < 10; seed++) {
      const random = createRandom(seed);
      const most = random.pick([40, 700, 20_000]);
      await assertServed(readTranscript(revision, name), () => 1 + random.int(most));
    }
  });
});
