import { crc32 } from "node:zlib";

import { systemClock } from "@blkmig/device";
import { encodeMessage, encodeSessionPreface, type Segments, UNCHECKED_DATA } from "@blkmig/protocol";
import { recordingWire } from "@blkmig/testkit";
import { describe, expect, test } from "vitest";

import { Cut } from "./cut.ts";
import { hello, welcomed } from "./greetings.test-kit.ts";
import { type Hello, openSessionLink } from "./session-link.ts";
import { Stop } from "./stop.ts";

const welcome = encodeMessage(welcomed);
const joined = (...parts: readonly Segments[]): Buffer => Buffer.concat(parts.flat());

/** A link to a receiver that has said `bytes`, and what came of it. */
async function linkTo(bytes: Uint8Array, said: Partial<Hello> = {}) {
  const wire = recordingWire();
  wire.reply(bytes);
  const { signal } = new AbortController();
  return openSessionLink({ wire, hello: { ...hello, ...said }, clock: systemClock, crc32, signal }).catch(
    (error: unknown) => error,
  );
}

describe("who answers HELLO", () => {
  test("with a WELCOME is the receiver", async () => {
    expect(await linkTo(joined(encodeSessionPreface(), welcome))).toMatchObject({ welcome: { sink: "r-1", epoch: 1 } });
  });

  test("with anything else is no receiver, and is not asked again", async () => {
    for (const said of ["HTTP/1.1 400 Bad Request\r\n\r\n", "QEVM\0\0\0\x03", "\0\0\0\0\0\0\0\x02"]) {
      const failure = await linkTo(Buffer.from(said, "latin1"));
      expect(failure).toBeInstanceOf(Stop);
      expect(failure).toMatchObject({ code: "refused" });
    }
  });

  test("with a damaged WELCOME may do better next time", async () => {
    const damaged = joined(encodeSessionPreface(), welcome);
    damaged[50] = (damaged[50] ?? 0) ^ 4;
    expect(await linkTo(damaged)).toBeInstanceOf(Cut);
  });

  test("with REFUSED says why", async () => {
    const refused = encodeMessage({ say: "refused", code: "busy", message: "another migration is under way here" });
    expect(await linkTo(joined(encodeSessionPreface(), refused))).toMatchObject({
      code: "refused",
      message: "the receiver refused: another migration is under way here",
    });
  });
});

describe("data goes", () => {
  const wish = [UNCHECKED_DATA];
  const answers = async (wished: readonly string[], features: readonly string[]) =>
    linkTo(joined(encodeSessionPreface(), encodeMessage({ ...welcomed, features })), { features: wished });

  test("without a checksum where both ends agree on it", async () => {
    expect(await answers(wish, wish)).toMatchObject({ checksum: "unchecked" });
  });

  test.each([
    ["that is older", wish, []],
    ["that speaks of it unasked", [], wish],
    ["as ever", [], []],
    ["that agrees on something else", wish, ["time-travel"]],
  ])("with one to a receiver %s", async (_what, wished, features) => {
    expect(await answers(wished, features)).toMatchObject({ checksum: crc32 });
  });
});
