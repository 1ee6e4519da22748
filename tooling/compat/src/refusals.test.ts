import { MigrationError } from "@blkmig/source";
import { describe, expect, test } from "vitest";

import { contentOf } from "./disk-content.ts";
import { helloText, welcomeText } from "./peer-by-hand.test-kit.ts";
import { ACK, ANSWER, DATA, frameOf, HASH, HOLE, messageOf, PING, PONG } from "./session-bytes.ts";
import { smallSink, smallSource } from "./small-migration.test-kit.ts";

const DIGEST = Buffer.alloc(32, 0xab);
const extent = { offset: 4096, length: 4096 };

const TO_BOTH = [
  { what: "a frame of type 0", bytes: frameOf({ type: 0 }), says: /type 0 are not known/ },
  { what: "a frame of type 9", bytes: frameOf({ type: 9 }), says: /type 9 are not known/ },
  { what: "a frame of type 9 with a payload", bytes: frameOf({ type: 9 }, DIGEST), says: /type 9 are not known/ },
  { what: "a frame of type 0x7f", bytes: frameOf({ type: 0x7f }), says: /type 127 are not known/ },
  { what: "an unknown message", bytes: messageOf('{"say":"weather"}'), says: /"weather" is not known/ },
  {
    what: "an unknown message that is not quite optional",
    bytes: messageOf('{"say":"weather","optional":"true"}'),
    says: /"weather" is not known/,
  },
  { what: "a PING with a flag", bytes: frameOf({ type: PING, flags: 1 }), says: /flags 0x1 of a frame of type 7/ },
  { what: "a PONG with a flag", bytes: frameOf({ type: PONG, flags: 0x80 }), says: /flags 0x80 of a frame of type 8/ },
];

const TO_A_SINK = [
  ...TO_BOTH,
  {
    what: "DATA with a flag",
    bytes: frameOf({ type: DATA, flags: 1, ...extent }, Buffer.alloc(4096, 1)),
    says: /flags 0x1 of a frame of type 1/,
  },
  {
    what: "a HOLE with a flag",
    bytes: frameOf({ type: HOLE, flags: 0x40, ...extent }),
    says: /flags 0x40 of a frame of type 2/,
  },
  {
    what: "a HASH with a second flag",
    bytes: frameOf({ type: HASH, flags: 2, ...extent }, DIGEST),
    says: /flags 0x2 of a frame of type 3/,
  },
];

const TO_A_SOURCE = [
  ...TO_BOTH,
  {
    what: "an ANSWER with a second flag",
    bytes: frameOf({ type: ANSWER, flags: 3, ...extent }),
    says: /flags 0x3 of a frame of type 4/,
  },
  { what: "an ACK with a flag", bytes: frameOf({ type: ACK, flags: 1 }), says: /flags 0x1 of a frame of type 5/ },
];

describe("what no version 2 knows is refused by today's sink with a sentence, and nothing of it is written", () => {
  test.each(TO_A_SINK)("$what", async ({ bytes, says }) => {
    const sink = await smallSink();
    const before = await contentOf(sink.target);
    const source = sink.call();
    await source.say(messageOf(helloText()));
    expect(await source.heard()).toMatchObject({ say: "welcome" });
    await source.say(bytes).catch(() => {}); // the sink need not read all of it
    expect(await source.end).toEqual({ how: "cut", why: expect.stringMatching(says) });
    expect(Buffer.compare(await contentOf(sink.target), before)).toBe(0);
    expect(sink.session.state).toBe("open");
  });
});

describe("what no version 2 knows is refused by today's source with a sentence, and the guest goes on", () => {
  test.each(TO_A_SOURCE)("$what", async ({ bytes, says }) => {
    const sink = await smallSource();
    expect(await sink.heard()).toMatchObject({ say: "hello" });
    await sink.say(messageOf(welcomeText()), bytes).catch(() => {}); // the source need not read all of it
    const failure = await sink.failure;
    expect(failure).toBeInstanceOf(MigrationError);
    expect(failure).toMatchObject({ code: "wire", guest: "running" });
    expect(failure.message).toMatch(says);
  });
});
