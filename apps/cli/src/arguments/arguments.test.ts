import { describe, expect, it } from "vitest";

import { parseAddress } from "./parse-address.ts";
import { parseBandwidth, parseBytes } from "./parse-bytes.ts";
import { parseDangers } from "./parse-dangers.ts";
import { parseDisks } from "./parse-disk.ts";
import { parseTime } from "./parse-time.ts";

describe("bytes", () => {
  it.each([
    ["0", 0],
    ["512", 512],
    ["100K", 102_400],
    ["1.5G", 1.5 * 2 ** 30],
    ["0.5K", 512],
    ["1.3M", 1_363_148],
    ["2T", 2 ** 41],
  ])("%s is %d", (text, bytes) => expect(parseBytes(text, "--size")).toBe(bytes));

  it.each([
    "",
    "K",
    "1k",
    "1.5",
    "-1",
    "+1",
    " 1",
    "1 K",
    "1e3",
    "0x10",
    "1KB",
    "1.K",
    ".5K",
    "1,5K",
    "Infinity",
    "9999T",
  ])("'%s' is refused", (text) =>
    expect(() => parseBytes(text, "--size")).toThrow(/^--size: '.*' is (no number of|too many) bytes/),
  );

  it("a bandwidth of nothing is refused", () => {
    expect(() => parseBandwidth("0", "--max-bandwidth")).toThrow("nothing would ever arrive");
  });
});

describe("times", () => {
  it.each([
    ["300ms", 300],
    ["1.5s", 1500],
    ["2m", 120_000],
    ["0ms", 0],
  ])("%s is %d ms", (text, ms) => expect(parseTime(text, "--downtime-limit")).toBe(ms));

  it.each(["", "300", "ms", "1.5", "-1s", "1 s", "1h", "1e3ms", "1.s"])("'%s' is refused", (text) =>
    expect(() => parseTime(text, "--downtime-limit")).toThrow(/^--downtime-limit: '.*' is no time/),
  );
});

describe("disks", () => {
  it("are cut at the first equals sign", () => {
    expect(parseDisks(["vda=/a=b", "é=c"])).toEqual([
      { name: "vda", path: "/a=b" },
      { name: "é", path: "c" },
    ]);
  });

  it("may have a name of 255 bytes", () => {
    expect(parseDisks([`${"é".repeat(127)}a=x`])).toHaveLength(1);
  });

  it.each([
    [[], "at least one --disk"],
    [["vda"], "is not NAME=PATH"],
    [["vda="], "is not NAME=PATH"],
    [["=x"], "a name has 1 to 255 bytes of UTF-8, this one 0"],
    [[`${"é".repeat(128)}=x`], "this one 256"],
    [["a=x", "a=y"], "two disks are called 'a'"],
    [["a=nbd:host"], "--disk a: 'nbd:host': it should be //host:port/export"],
    [["a=nbd+unix:///x"], "the socket is missing"],
  ])("%j is refused", (texts, sentence) => expect(() => parseDisks(texts)).toThrow(sentence));
});

describe("dangers", () => {
  const none = { inUse: false, mounted: false, filesystem: false, incomplete: false, sectorSize: false, moved: false };

  it("are taken on by their words", () => {
    expect(parseDangers([], "send")).toEqual(none);
    expect(parseDangers(["in-use", "moved"], "send")).toEqual({ ...none, inUse: true, moved: true });
    expect(parseDangers(["mounted", "filesystem", "incomplete"], "receive")).toEqual({
      ...none,
      mounted: true,
      filesystem: true,
      incomplete: true,
    });
  });

  it.each([
    ["moved", "receive", "they are filesystem, in-use, incomplete, mounted and sector-size"],
    ["filesystem", "send", "they are in-use, incomplete, mounted and moved"],
    ["all", "receive", "'all' is no danger of `blkmig receive`"],
    ["", "send", "'' is no danger"],
  ] as const)("'%s' is refused by %s", (word, command, sentence) =>
    expect(() => parseDangers([word], command)).toThrow(sentence),
  );
});

describe("addresses", () => {
  const strict = { insecure: false };

  it.each([
    "tls://192.0.2.1:1",
    "wss://host.example/x",
    "tcp://127.0.0.1:1",
    "tcp://[::1]:1",
    "ws://localhost:1/x",
    "unix:///x",
    "file:///x",
    "stdio:",
    "-",
  ])("%s needs nothing said", (text) => expect(() => parseAddress(text, strict)).not.toThrow());

  it.each(["tcp://0.0.0.0:1", "tcp://[::]:1", "ws://192.0.2.1:1/x", "tcp://host.example:1"])(
    "%s needs --insecure",
    (text) => {
      expect(() => parseAddress(text, strict)).toThrow(expect.objectContaining({ code: "refused" }));
      expect(() => parseAddress(text, { insecure: true })).not.toThrow();
    },
  );

  it("ssh is for sending only", () => {
    expect(parseAddress("ssh://a", { insecure: false, ssh: true })).toEqual({ kind: "ssh", host: "a" });
    expect(() => parseAddress("ssh://a", strict)).toThrow("ssh is for sending only");
  });

  it.each(["http://a", "a", "", "tcp://a", "unix:x", "tcp://a:99999"])("'%s' is refused, even so", (text) =>
    expect(() => parseAddress(text, { insecure: true })).toThrow(expect.objectContaining({ code: "usage" })),
  );
});
