import { createServer } from "node:net";

import { describe, expect, it, onTestFinished } from "vitest";

import { makeDisk, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const NBD = ["--nbd", "nbd://127.0.0.1:0"];
const A = ["--disk", "a=/nowhere/a"];
const SERVE = ["serve", ...A];
const FROM = ["send", "tcp://127.0.0.1:1", "--from", "/nowhere/control"];
const RECEIVE = ["receive", "tcp://127.0.0.1:0", ...A];

describe("what cannot be meant is one sentence, and exit 2", () => {
  it.each<readonly [string, readonly string[], RegExp]>([
    ["serve without a place", SERVE, /at least one --nbd URL is needed/],
    ["serve without a disk", ["serve", ...NBD], /at least one --disk/],
    ["serve of a name alone", ["serve", "--disk", "a", ...NBD], /is not NAME=PATH/],
    ["an export in --nbd", [...SERVE, "--nbd", "nbd://127.0.0.1/a"], /an export cannot be said here/],
    ["another kind of --nbd", [...SERVE, "--nbd", "tcp://127.0.0.1:1"], /no kind of NBD/],
    ["a port beyond all", [...SERVE, "--nbd", "nbd://127.0.0.1:99999"], /no port/],
    ["an empty --control", [...SERVE, ...NBD, "--control", ""], /the socket has no name/],
    ["a --control that is far", [...SERVE, ...NBD, "--control", "tcp://127.0.0.1:1"], /no socket of this machine/],
    ["a grain that is none", [...SERVE, ...NBD, "--granularity", "1000"], /no power of two/],
    ["a danger that is none", [...SERVE, ...NBD, "--force", "moved"], /no danger of `blkmig serve`/],
    ["an empty --state-dir", [...SERVE, ...NBD, "--state-dir", ""], /the folder has no name/],
    ["--after that is none", [...FROM, "--after", "wards"], /none of forward, close and hold/],
    ["--forward-to that is none", [...FROM, "--forward-to", "x"], /--forward-to: /],
    ["--forward-to an export", [...FROM, "--forward-to", "nbd://127.0.0.1/a"], /no export is said/],
    [
      "--forward-to of --after close",
      [...FROM, "--after", "close", "--forward-to", "nbd://127.0.0.1"],
      /nobody is passed on/,
    ],
    ["a key file of no known folder", [...FROM, "--forward-to", "nbds://h?tls-psk-file=k"], /say its absolute path/],
    ["--max-bandwidth of nothing", [...FROM, "--max-bandwidth", "0"], /nothing would ever arrive/],
    ["--downtime-limit that is none", [...FROM, "--downtime-limit", "soon"], /no time such as/],
    ["--disk with a path", [...FROM, "--disk", "a=b"], /a NAME alone/],
    ["--disk twice", [...FROM, "--disk", "a", "--disk", "a"], /said twice/],
    ["an older wire", [...FROM, "--wire", "1.1"], /--wire 1\.1 does not go with --from/],
    ["a clone", [...FROM, "--clone"], /--clone does not go with --from/],
    ["a file to send to", ["send", "file:///x", ...FROM.slice(2)], /a file cannot answer/],
    ["standard input to send to", ["send", "stdio:", ...FROM.slice(2)], /no such pipe/],
    ["--throttle of a disk at rest", ["send", "tcp://127.0.0.1:1", ...A, "--throttle"], /it goes with --from/],
    ["--control without --nbd", [...RECEIVE, "--control", "c"], /say --nbd/],
    ["--nbd with --keep", [...RECEIVE, ...NBD, "--keep"], /--nbd serves the disks of one/],
    ["limits of nothing", ["limits", "--control", "c"], /say --max-bandwidth/],
    ["limits that are none", ["limits", "--control", "c", "--max-bandwidth", "x"], /no number of bytes/],
    ["status of nothing", ["status"], /say which/],
    ["cancel at nobody's", ["cancel"], /--control/],
  ])("%s", async (_, words, sentence) => {
    expect(refusal(await runBlkmig(words))).toEqual(refused(2, sentence));
  });
});

it("nobody at CONTROL is exit 3, for all who ask there", async () => {
  const control = temporaryFolder()("nobody");
  const at = ["--control", control];
  for (const words of [
    ["status", ...at],
    ["cancel", ...at],
    ["limits", ...at, "--max-bandwidth", "1M"],
  ]) {
    expect(refusal(await runBlkmig(words))).toEqual(refused(3, /nobody: cannot connect/));
  }
});

it("an NBD address that another has is exit 3, and so is one that is a file; nothing is written", async () => {
  const path = temporaryFolder();
  const [disk, copy] = [makeDisk(path("disk"), MIB), makeDisk(path("copy"), MIB)];
  const other = createServer().listen(path("used"));
  onTestFinished(() => void other.close());
  for (const [socket, sentence] of [
    [path("used"), /is in use: somebody listens there/],
    [copy, /no socket: it is left alone/],
  ] as const) {
    const words = ["serve", "--disk", `a=${disk}`, "--nbd", `nbd+unix:///?socket=${socket}`];
    expect(refusal(await runBlkmig(words))).toEqual(refused(3, sentence));
  }
  expect(sameFiles(disk, copy)).toBe(true);
});
