import { chmodSync, readFileSync, writeFileSync } from "node:fs";

import { expect, it } from "vitest";

import { makeDisk, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { BIN, refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

/** In place of ssh: passes over its options up to `--` and the host, and has a shell run the line, as sshd does. */
const STAND_IN = `#!/bin/sh
printf '%s\\n' "$@" > "$0.said"
while [ "$1" != -- ]; do shift; done
shift 2
exec sh -c "$1"
`;

/** In place of the blkmig there: writes down its arguments, says two lines, and fails. */
const REMOTE = `#!${process.execPath}
require("node:fs").writeFileSync(__filename + ".words", JSON.stringify(process.argv.slice(2)));
process.stderr.write("first words\\nno such disk\\n");
process.exitCode = 3;
`;

function script(path: string, text: string): string {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

it("what is run there gets its words as they are, whatever is in them, and what it says is shown", async () => {
  const path = temporaryFolder();
  const ssh = script(path("my ssh"), STAND_IN);
  const remote = script(path("their $blkmig's.cjs"), REMOTE);
  const targets = ["/a b", "it's", '"', "$HOME", "$(false)", "a\nb", "-x", "Zürich 東京 🚀", "*", "a=b"];
  const names = targets.map((_, index) => `disk ${index}`);
  const disks = names.flatMap((name, index) => [
    "--disk",
    `${name}=${makeDisk(path(`source${index}`), MIB)}`,
    "--remote-disk",
    `${name}=${targets[index]}`,
  ]);
  const ended = await runBlkmig([
    "send",
    "ssh://root@backup:2222",
    ...disks,
    "--ssh-command",
    `'${ssh}' -i "my key"`,
    "--remote-command",
    remote,
    "--remote-flag=--create",
    "--remote-flag",
    "--force",
    "--remote-flag",
    "in-use",
  ]);
  const words = JSON.parse(readFileSync(`${remote}.words`, "utf8")) as unknown;
  const expected = names.flatMap((name, index) => ["--disk", `${name}=${targets[index]}`]);
  expect(words).toEqual(["receive", "stdio:", ...expected, "--create", "--force", "in-use"]);
  expect(readFileSync(`${ssh}.said`, "utf8")).toMatch(/^-i\nmy key\n-p\n2222\n-T\n--\nroot@backup\n/);
  expect(refusal(ended)).toEqual(refused(3, /code 3: no such disk/));
  expect(ended.stderr).toContain("ssh://root@backup:2222: first words\n");
});

/** The blkmig there: the built one, which writes down its number as a process and its arguments. */
const WHOLE = `#!/bin/sh
echo $$ > "$0.pid"
echo "$*" >> "$0.runs"
exec "${process.execPath}" "${BIN}" "$@"
`;

it("a disk moves over ssh; a receiver there that is killed is run again with --resume, and goes on", async () => {
  const path = temporaryFolder();
  const [ssh, remote] = [script(path("ssh"), STAND_IN), script(path("blkmig"), WHOLE)];
  const [source, target] = [makeDisk(path("source"), 24 * MIB), path("their target")];
  const there = ["--remote-disk", `a=${target}`, "--remote-command", remote, "--remote-flag=--create"];
  const here = ["--disk", `a=${source}`, "--ssh-command", ssh, "--max-bandwidth", "20M", "--json"];
  const sender = startBlkmig(["send", "ssh://backup", ...here, ...there]);
  await sender.until(({ event, transferred }) => event === "status" && Number(transferred) > 4 * MIB);
  process.kill(Number(readFileSync(`${remote}.pid`, "utf8")), "SIGKILL");
  const sent = await sender.ended;
  expect(sent.code).toBe(0);
  expect(sent.events.at(-1)).toMatchObject({ event: "completed", proved: true, reconnects: 1 });
  expect(sameFiles(source, target)).toBe(true);
  const runs = readFileSync(`${remote}.runs`, "utf8").trim().split("\n");
  expect(runs).toEqual([expect.not.stringContaining("--resume"), expect.stringContaining("--resume")]);
});
