import { chmodSync, writeFileSync } from "node:fs";

import { parseWireUrl } from "@blkmig/transport/url";
import { describe, expect, it } from "vitest";

import { temporaryFolder } from "../run-blkmig.test-kit.ts";
import { openTlsKeys, parseTlsFiles, type TlsFlags } from "./tls-arguments.ts";

const TOKEN = "A".repeat(43);
const CERTIFICATES = { tlsCert: "c", tlsKey: "k", tlsCa: "a" };

describe("which keys are said", () => {
  const parse = (flags: TlsFlags, url = "tls://a:1") => parseTlsFiles(flags, parseWireUrl(url));

  it("are a token's or three of certificates, for an encrypted wire", () => {
    expect(parse({ tokenFile: "t" })).toEqual({ by: "token", path: "t" });
    expect(parse(CERTIFICATES, "wss://a/x")).toEqual({ by: "certificates", cert: "c", key: "k", ca: "a" });
    expect(parse({}, "tcp://127.0.0.1:1")).toBeUndefined();
  });

  it.each([
    [{}, "tls://a:1", "tls: needs --token-file, or --tls-cert, --tls-key and --tls-ca"],
    [{}, "wss://a/x", "wss: needs --token-file"],
    [{ tlsCert: "c", tlsKey: "k" }, "tls://a:1", "are needed all together"],
    [{ tlsCa: "a", tokenFile: "t" }, "tls://a:1", "are two ways to the same"],
    [{ tokenFile: "t" }, "tcp://127.0.0.1:1", "--token-file: tcp: is in clear text"],
    [CERTIFICATES, "unix:///x", "--tls-ca: unix: is in clear text"],
  ])("%j for %s is a usage error", (flags, url, sentence) =>
    expect(() => parse(flags, url)).toThrow(expect.objectContaining({ code: "usage", message: sentenceIn(sentence) })),
  );
});

const sentenceIn = (text: string): unknown => expect.stringContaining(text);

describe("a token's file", () => {
  const open = async (text: string, mode = 0o600) => {
    const path = temporaryFolder()("token");
    writeFileSync(path, text);
    chmodSync(path, mode);
    return openTlsKeys({ by: "token", path });
  };

  it("gives its bytes, without the white space around them", async () => {
    expect(await open(`${TOKEN}\n`)).toEqual({ tls: { token: new Uint8Array(32) }, warnings: [] });
  });

  it("that others may read is warned of", async () => {
    expect((await open(TOKEN, 0o640)).warnings).toEqual([sentenceIn("is open to other users of this machine")]);
  });

  it("that holds a short word, or none, is refused, and the word is not repeated", async () => {
    await expect(open("c2VjcmV0")).rejects.toThrow(/^--token-file: (?!.*c2VjcmV0).*at least 16/);
    await expect(open("")).rejects.toMatchObject({ code: "refused", message: sentenceIn("the token is empty") });
  });

  it("that is missing is refused", async () => {
    const missing = temporaryFolder()("nothing");
    await expect(openTlsKeys({ by: "token", path: missing })).rejects.toMatchObject({
      code: "refused",
      message: sentenceIn("cannot be read"),
    });
  });
});
