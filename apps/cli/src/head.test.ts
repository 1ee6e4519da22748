import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

import { expect, it } from "vitest";

import { makeDisk, MIB } from "./make-disks.test-kit.ts";
import { BIN, runBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

/** Runs it with an output that nobody reads: the pipe's other end is closed before a byte can have been written. */
async function runUnread(args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  // The pipe is made by the shell: its one reader has ended before the program begins.
  const script = 'exec 3> >(exec true); wait $!; exec "$@" >&3';
  const child = spawn("bash", ["-c", script, "bash", process.execPath, BIN, ...args], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr };
}

it("a pipe that nobody reads breaks for whoever writes to it", () => {
  const script = "exec 3> >(exec true); wait $!; trap '' PIPE; echo x >&3";
  expect(() => execFileSync("bash", ["-c", script], { stdio: "ignore" })).toThrow("Command failed");
});

it("whoever reads an output may have seen enough: no command says a word of that, nor ends in 1", async () => {
  const path = temporaryFolder();
  const [a, b] = [makeDisk(path("a"), 4 * MIB), makeDisk(path("b"), 4 * MIB)];
  const stream = path("stream");
  expect(await runBlkmig(["send", `file://${stream}`, "--disk", `a=${a}`])).toMatchObject({ code: 0 });
  const commands = [
    ["send", "--help"],
    ["help", "send"],
    ["--help"],
    ["--version"],
    ["inspect", stream],
    ["inspect", "--json", stream],
    ["completion", "bash"],
    ["explain", "io"],
    ["explain", "4"],
    ["status", "--json", "--source", a],
    ["verify", "--json", a, b],
  ];
  const quiet = commands.map((args) => [args.join(" "), { code: 0, stderr: "" }]);
  const ends: unknown[] = [];
  for (const args of commands) ends.push([args.join(" "), await runUnread(args)]);
  expect(ends).toEqual(quiet);
});
