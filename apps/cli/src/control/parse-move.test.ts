import { describe, expect, it } from "vitest";

import { type MoveWords, wordsOf } from "./move-words.ts";
import { parseMove } from "./parse-move.ts";

const TO = "tls://there:4711";
const TOKEN = { to: TO, "token-file": "/token" };

describe("a move that is asked for", () => {
  it("has the defaults of a send, and forwards", () => {
    expect(parseMove({ to: "unix:///a" })).toEqual({
      to: { kind: "unix", path: "/a" },
      listen: false,
      tls: undefined,
      remote: undefined,
      disks: undefined,
      session: {
        resume: false,
        clone: false,
        verify: true,
        checksums: true,
        reconnectFor: 300_000,
        granularity: 65_536,
      },
      after: "forward",
      forwardTo: undefined,
      maxBandwidth: undefined,
      downtimeLimit: 300,
      throttle: false,
      mirror: false,
      insecure: false,
    });
  });

  it("is what was typed, its files by their absolute paths", () => {
    const flags = { to: TO, tokenFile: "token", disk: ["a"], after: "close", verify: false, reconnectFor: "1s" };
    const words = wordsOf({ ...flags, resume: true, throttle: true, listen: false, remoteDisk: [], json: true });
    expect(words).toEqual({
      to: TO,
      "token-file": `${process.cwd()}/token`,
      disk: ["a"],
      after: "close",
      verify: false,
      resume: true,
      throttle: true,
      "reconnect-for": "1s",
    });
    expect(parseMove(words)).toMatchObject({
      tls: { by: "token", path: `${process.cwd()}/token` },
      disks: ["a"],
      after: "close",
      session: { verify: false, resume: true, reconnectFor: 1000 },
      throttle: true,
    });
  });

  it("asks for no checksums only if that was typed: an older server does not know the word", () => {
    expect(wordsOf({ to: TO, checksum: true })).toEqual({ to: TO });
    const words = wordsOf({ to: "unix:///a", checksum: false });
    expect(words).toEqual({ to: "unix:///a", checksum: false });
    expect(parseMove(words)).toMatchObject({ session: { checksums: false } });
  });

  it("over ssh has a target for each disk that is served, unless disks are named", () => {
    const words: MoveWords = { to: "ssh://there", "remote-disk": ["a=/x"] };
    expect(parseMove(words).remote?.command({ resume: false })).toEqual("blkmig receive stdio: --disk a=/x".split(" "));
    expect(() => parseMove(words, ["a", "b"])).toThrow(/needs --remote-disk b=TARGET/);
    expect(parseMove({ ...words, disk: ["a"] }, ["a", "b"]).remote).toBeDefined();
  });

  it.each<[MoveWords, string, RegExp]>([
    [{ to: "tcp://192.0.2.1:1" }, "refused", /--insecure/],
    [{ to: TO }, "usage", /tls: needs --token-file/],
    [{ ...TOKEN, "forward-to": "nbd://192.0.2.1" }, "refused", /--forward-to .* --insecure/],
    [{ ...TOKEN, "forward-to": "nbds://192.0.2.1?tls-psk-file=keys" }, "usage", /absolute/],
    [{ ...TOKEN, "downtime-limit": "1" }, "usage", /--downtime-limit: '1' is no time/],
    [{ to: "ssh://a", listen: true }, "usage", /nobody can dial/],
  ])("%j is refused", (words, code, message) =>
    expect(() => parseMove(words)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) })),
  );
});
