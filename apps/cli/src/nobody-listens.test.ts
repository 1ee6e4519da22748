import { spawnSync } from "node:child_process";

import { describe, expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { createScreen } from "./output/screen.test-kit.ts";
import { runShell, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const SIZE = 4 * MIB;

function disks(path: (name: string) => string) {
  return { from: makeDisk(path("from"), SIZE), to: makeGarbage(path("to"), SIZE) };
}

describe("whoever would read it", () => {
  it("has closed its end before anything began: the disk moves all the same", async () => {
    const path = temporaryFolder();
    const { from, to } = disks(path);
    const said = await runShell(
      `"$NODE" "$BIN" receive unix://$PWD/at.sock --disk a=to 2>&- >&- & receiver=$!
       until [ -S at.sock ]; do sleep 0.05; done
       "$NODE" "$BIN" send unix://$PWD/at.sock --disk a=from 2>&-; echo $?
       wait $receiver; echo $?`,
      path("."),
    );
    expect(said).toBe("0\n0\n");
    expect(sameFiles(from, to)).toBe(true);
  });

  it("never reads, and the pipe is full: the disk moves all the same, and the program ends", async () => {
    const path = temporaryFolder();
    const { from, to } = disks(path);
    const said = await runShell(
      `for each in out err; do mkfifo $each; done
       exec 7<>out 8<>err
       dd if=/dev/zero of=/proc/self/fd/7 bs=4k oflag=nonblock status=none 2>/dev/null
       dd if=/dev/zero of=/proc/self/fd/8 bs=4k oflag=nonblock status=none 2>/dev/null
       "$NODE" "$BIN" receive unix://$PWD/at.sock --json --disk a=to >&7 2>/dev/null & receiver=$!
       until [ -S at.sock ]; do sleep 0.05; done
       "$NODE" "$BIN" send unix://$PWD/at.sock --disk a=from 2>&8; echo $?
       wait $receiver; echo $?`,
      path("."),
    );
    expect(said).toBe("0\n0\n");
    expect(sameFiles(from, to)).toBe(true);
  });
});

const hasScript = spawnSync("script", ["--version"]).status === 0;

describe.skipIf(!hasScript)("on a pseudo-terminal (skipped without the program script)", () => {
  it.each([20, 40, 80, 200])("of %d columns the progress line leaves nothing behind", async (columns) => {
    const path = temporaryFolder();
    const { from, to } = disks(path);
    const receiver = startBlkmig(["receive", `unix://${path("at")}`, "--json", "--disk", `a=${to}`]);
    const url = await receiver.url();
    const terminal = await inTerminal(columns, `"$NODE" "$BIN" send ${url} --disk a=${from}`, path("."));
    await receiver.ended;
    expect(sameFiles(from, to)).toBe(true);
    expect(terminal).toContain(`${columns < 40 ? "" : " · "}100 %`);
    const screen = createScreen(columns);
    screen.stream.write(terminal);
    const whole = (await screen.rows()).join("\n").replaceAll(new RegExp(`(?<=^.{${columns}})\n`, "gm"), "");
    expect(whole).toMatch(/^completed in .*\n {2}'a': .*\neach source is marked as moved$/);
  });

  it("that is dumb, or a build's, there are plain lines", async () => {
    const path = temporaryFolder();
    const { from } = disks(path);
    for (const words of ["TERM=dumb", "CI=true"]) {
      const terminal = await inTerminal(
        80,
        `${words} "$NODE" "$BIN" send file://$PWD/${words} --disk a=${from}`,
        path("."),
      );
      expect(terminal).toMatch(/^bulk · .*\r\n/m);
      expect(terminal).not.toContain("\u001B[K");
    }
  });
});

/** What a command writes to a terminal of so many columns. */
async function inTerminal(columns: number, command: string, cwd: string): Promise<string> {
  const inside = `stty cols ${columns} rows 30; LC_ALL=C.UTF-8 TERM=xterm CI= ${command}`;
  return runShell(`export BIN NODE; script -qec '${inside}' /dev/null </dev/null`, cwd);
}
