import { expect, test } from "vitest";

import { contentOf, finalContents, openOrigin, openTarget } from "./disk-content.ts";
import { embellishedWire } from "./embellished-wire.test-kit.ts";
import { helloText } from "./peer-by-hand.test-kit.ts";
import { SCENARIOS } from "./scenarios.ts";
import { messageOf } from "./session-bytes.ts";
import { smallSink } from "./small-migration.test-kit.ts";
import { createSinkRecord, startSink } from "./todays-sink.ts";
import { runSource } from "./todays-source.ts";

const OPTIONAL_TYPES = 0x80;

test.each(["plain", "two-disks", "guest-writes", "verify", "resume", "attempt-aborted"])(
  "unknown features, keys, messages and frames in the midst of it all change nothing: %s",
  async (name) => {
    const scenario = SCENARIOS[name]!;
    for (let seed = 0; seed < 3; seed++) {
      const origins = await Promise.all(scenario.disks.map(openOrigin));
      const targets = await Promise.all(scenario.disks.map(openTarget));
      const wire = embellishedWire({ seed, frameBytes: scenario.session.frameBytes });
      const held = scenario.disks.map(({ size }) => [{ offset: 0, length: size }]);
      const found = scenario.session.resume ? ({ state: "open", attempt: 0, held } as const) : null;
      const session = startSink(scenario, targets, createSinkRecord(), found);
      const ended = session.take(wire.sink).then(async () => wire.sink.finish());
      await runSource(scenario, "m-1", origins, async () => wire.source);
      await ended;
      expect(session.state).toBe("committed");
      for (const [index, final] of (await finalContents(scenario)).entries()) {
        expect(Buffer.compare(await contentOf(targets[index]!), final), `disk ${index}`).toBe(0);
      }
      for (const whose of ["source", "sink"] as const) {
        expect(wire.added[whose].keys).toBeGreaterThan(3);
        expect(wire.added[whose].types.size, `of the ${whose}`).toBe(OPTIONAL_TYPES);
      }
    }
  },
);

test("a sink agrees to no feature that it does not know", async () => {
  const sink = await smallSink();
  const source = sink.call();
  await source.say(messageOf(helloText({ features: ["time-travel", "zstd-9"] })));
  expect(await source.heard()).toMatchObject({ say: "welcome", features: [] });
});
