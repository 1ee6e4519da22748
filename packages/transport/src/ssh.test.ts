import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describeConnection } from "@blkmig/testkit";
import { afterAll, expect, onTestFinished, test } from "vitest";

import { listenUnix } from "./tcp.ts";
import { connectUrl, listenUrl, parseWireUrl, type SshOptions } from "./url.ts";

// In place of ssh: passes over options, `--` and the host, and has a shell run the line, as sshd does; one process, so that its signals are its own.
const SSH = ["sh", "-c", 'while [ "$1" != -- ]; do shift; done; shift 2; exec sh -c "exec $1"', "ssh"];

const folder = mkdtempSync(join(tmpdir(), "blkmig-ssh-"));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

const relay = fileURLToPath(new URL("relay.fixture.mjs", import.meta.url));

describeConnection("ssh", async () => {
  const listener = await listenUnix({ path: join(folder, String(count++)) });
  const remote = [process.execPath, relay, listener.url.slice("unix://".length)];
  const [a, accepted] = await Promise.all([dial({ remote }), listener.accept()]);
  const cleanup = async () => {
    a.destroy();
    accepted!.destroy();
    await listener.close();
  };
  return {
    a,
    b: accepted!,
    cleanup,
    capabilities: { reset: false, bulkBytes: 256 * 1024 * 1024, growth: 256 * 1024 * 1024 },
  };
});

test.each([
  ["spaces", ["a b", " ", ""]],
  ["quotes", [`it's`, `''`, `"`, "`", "\\", "\\'"]],
  ["what a shell would fill in", ["$HOME", "$(false)", "*", "~", "!!", "{a,b}", "a;b", "a&b", "#"]],
  ["lines", ["a\nb", "\n", "\r\t"]],
  ["what looks like an option", ["-x", "--", "-"]],
  ["other letters", ["Zürich", "東京", "🚀"]],
])("%s get there unchanged", async (_what, words) => {
  const script = "process.stdout.write(JSON.stringify(process.argv.slice(1)))";
  const wire = await dial({ remote: [process.execPath, "-e", script, "--", ...words] });
  expect(JSON.parse(await readText(wire))).toEqual(words);
});

test("a word with a zero byte, and no word at all, are the caller's mistake", async () => {
  await expect(dial({ remote: ["cat", "a\0b"] })).rejects.toThrow(TypeError);
  await expect(dial({ remote: [] })).rejects.toThrow(TypeError);
});

test("ssh is told the port, the user and the host, and that the rest is no option", async () => {
  const command = ["sh", "-c", 'printf "%s|" "$@"', "ssh", "-o", "BatchMode=yes"];
  const url = parseWireUrl("ssh://root@[fe80::1]:2222");
  const wire = await connectUrl(url, { ssh: { command, remote: ["blkmig", "receive"] } });
  expect(await readText(wire)).toBe("-o|BatchMode=yes|-p|2222|-T|--|root@fe80::1|'blkmig' 'receive'|");
  const plain = await connectUrl(parseWireUrl("ssh://backup"), { ssh: { command, remote: ["x"] } });
  expect(await readText(plain)).toBe("-o|BatchMode=yes|-T|--|backup|'x'|");
});

test("what was sent is followed by the code and the last words of a program that fails", async () => {
  const lines: string[] = [];
  const script = "printf abc; echo first >&2; printf 'Permission denied' >&2; exit 255";
  const wire = await dial({ remote: ["sh", "-c", script], onStderr: (line) => lines.push(line) });
  expect(await wire.read(new Uint8Array(9))).toBe(3);
  await expect(wire.read(new Uint8Array(9))).rejects.toMatchObject({
    code: "io",
    url: "ssh://backup",
    message: "ssh://backup: sh ended with code 255: Permission denied",
  });
  await expect(wire.send([Uint8Array.of(1)])).rejects.toMatchObject({ code: "io" });
  expect(lines).toEqual(["first", "Permission denied"]);
});

test("a send to a program that has failed says why, too", async () => {
  const wire = await dial({ remote: ["sh", "-c", "echo no such disk >&2; exit 3"] });
  const flood = async () => {
    for (;;) await wire.send([new Uint8Array(65_536)]);
  };
  await expect(flood()).rejects.toMatchObject({ code: "io", message: expect.stringMatching(/code 3: no such disk$/u) });
});

test("a signal is named", async () => {
  const wire = await dial({ remote: ["sh", "-c", "kill -KILL $$"] });
  await expect(wire.read(new Uint8Array(9))).rejects.toMatchObject({
    code: "io",
    message: expect.stringMatching(/was ended by SIGKILL/u),
  });
});

test("a program that ends its output and lives on has finished, and can be sent to", async () => {
  const proof = join(folder, "proof");
  const wire = await dial({ remote: ["sh", "-c", 'exec >&-; cat > "$0.part"; mv "$0.part" "$0"; exit 4', proof] });
  expect(await wire.read(new Uint8Array(9))).toBe(0);
  await wire.send([Buffer.from("late")]);
  await wire.finish();
  // Whole, once it is there: the program takes its time.
  const look = 'until [ -e "$0" ]; do sleep 0.01; done; cat "$0"';
  expect(await readText(await dial({ remote: ["sh", "-c", look, proof] }))).toBe("late");
});

test("destroying ends the program", async () => {
  const lines: string[] = [];
  const { promise, resolve } = deferred();
  const remote = ["sh", "-c", "trap 'echo ended >&2; exit' TERM; echo ready; while :; do sleep 0.01; done"];
  const heard = (line: string) => {
    lines.push(line);
    resolve();
  };
  const wire = await dial({ remote, onStderr: heard });
  expect(await wire.read(new Uint8Array(6))).toBe(6);
  wire.destroy();
  await promise;
  expect(lines).toEqual(["ended"]);
});

test("a program that is not there is a connect error", async () => {
  const dialling = dial({ command: ["/nonexistent/ssh"], remote: ["x"] });
  await expect(dialling).rejects.toMatchObject({ code: "connect", message: expect.stringContaining("cannot run") });
});

test("a signal that came before ends the attempt", async () => {
  const ssh = { command: SSH, remote: ["cat"] };
  const dialling = connectUrl(parseWireUrl("ssh://backup"), { ssh, signal: AbortSignal.abort() });
  await expect(dialling).rejects.toMatchObject({ code: "destroyed" });
});

test("nobody listens by ssh, and nobody dials without a program to run", async () => {
  const url = parseWireUrl("ssh://backup");
  await expect(listenUrl(url)).rejects.toMatchObject({
    code: "listen",
    message: expect.stringContaining("sending only"),
  });
  await expect(connectUrl(url)).rejects.toMatchObject({ code: "connect", message: expect.stringContaining("remote") });
});

async function dial(ssh: SshOptions) {
  const wire = await connectUrl(parseWireUrl("ssh://backup"), { ssh: { command: SSH, ...ssh } });
  onTestFinished(() => wire.destroy());
  return wire;
}

async function readText(wire: { read(into: Uint8Array): Promise<number> }): Promise<string> {
  const into = new Uint8Array(1000);
  let text = "";
  for (let n = await wire.read(into); n > 0; n = await wire.read(into)) text += Buffer.from(into.subarray(0, n));
  return text;
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
