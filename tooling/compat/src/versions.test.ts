import { MigrationError } from "@blkmig/source";
import { describe, expect, test } from "vitest";

import { helloText, welcomeText } from "./peer-by-hand.test-kit.ts";
import { messageOf } from "./session-bytes.ts";
import { smallSink, smallSource } from "./small-migration.test-kit.ts";

describe("a sink that meets a source of other versions says so", () => {
  test.each([
    {
      versions: [3, 4],
      text: JSON.stringify({ say: "hello", versions: [3, 4], disks: "are told by another message" }),
    },
    { versions: [3, 3], text: helloText({ versions: [3, 3], frameBytes: "any" }) },
    { versions: [1, 1], text: JSON.stringify({ say: "hello", versions: [1, 1] }) },
  ])("$versions", async ({ versions: [lowest, highest], text }) => {
    const sink = await smallSink();
    const source = sink.call();
    await source.say(messageOf(text));
    const sentence = `this receiver speaks version 2 of the session, the sender ${lowest} to ${highest}`;
    expect(await source.heard()).toEqual({ say: "refused", code: "version", message: sentence });
    expect(await source.end).toEqual({ how: "turned-away", code: "version", why: sentence });
  });

  test.each([
    [1, 2],
    [1, 9],
    [2, 3],
  ])("but takes one that speaks %i to %i, as version 2", async (lowest, highest) => {
    const sink = await smallSink();
    const source = sink.call();
    await source.say(messageOf(helloText({ versions: [lowest, highest] })));
    expect(await source.heard()).toMatchObject({ say: "welcome", version: 2 });
  });

  test("and takes another source after it", async () => {
    const sink = await smallSink();
    const stranger = sink.call();
    await stranger.say(messageOf(helloText({ versions: [3, 4] })));
    expect(await stranger.heard()).toMatchObject({ say: "refused" });
    await stranger.end;
    const source = sink.call();
    await source.say(messageOf(helloText()));
    expect(await source.heard()).toMatchObject({ say: "welcome" });
  });
});

describe("a source that meets a sink of other versions says so", () => {
  test.each([
    { version: 3, text: '{"say":"refused","code":"version","message":"this receiver speaks 3 to 4","speaks":[3,4]}' },
    { version: 1, text: '{"say":"refused","code":"version","message":"this receiver speaks version 1"}' },
  ])("that refuses it: $version", async ({ text }) => {
    const sink = await smallSource();
    expect(await sink.heard()).toMatchObject({ say: "hello", versions: [2, 2] });
    await sink.say(messageOf(text));
    const failure = await sink.failure;
    expect(failure).toBeInstanceOf(MigrationError);
    expect(failure).toMatchObject({ code: "refused", guest: "running" });
    expect(failure.message).toContain(`the receiver refused: ${JSON.parse(text).message}`);
  });

  test.each([
    { version: 3, text: '{"say":"welcome","version":3,"disks":[]}' },
    { version: 1, text: welcomeText({ version: 1 }) },
    { version: 4, text: welcomeText({ version: 4 }) },
  ])("that welcomes it all the same: $version", async ({ text }) => {
    const sink = await smallSource();
    await sink.heard();
    await sink.say(messageOf(text));
    const failure = await sink.failure;
    expect(failure).toBeInstanceOf(MigrationError);
    expect(failure).toMatchObject({ code: "refused", guest: "running" });
    expect(failure.message).toMatch(/version must be/);
  });
});
