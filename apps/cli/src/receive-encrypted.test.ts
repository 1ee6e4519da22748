import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

import { createToken } from "@blkmig/transport/tls";
import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import {
  refusal,
  refused,
  runBlkmig,
  runShell,
  type Running,
  startBlkmig,
  temporaryFolder,
} from "./run-blkmig.test-kit.ts";

function setUp() {
  const path = temporaryFolder();
  writeFileSync(path("token"), createToken(), { mode: 0o600 });
  writeFileSync(path("other-token"), createToken(), { mode: 0o600 });
  return { path, source: makeDisk(path("source"), 3 * MIB), target: makeGarbage(path("target"), 3 * MIB) };
}

const untilDropped = (receiver: Running, why: RegExp): Promise<unknown> =>
  receiver.until(({ event, message }) => event === "warning" && why.test(String(message)));

it.each([
  ["tls://127.0.0.1:0", "1.1"],
  ["tls://127.0.0.1:0", "2"],
  ["wss://127.0.0.1:0/x", "2"],
])(
  "over %s with a token, wire %s moves; a wrong token and clear text are logged, and end nothing",
  async (at, wire) => {
    const { path, source, target } = setUp();
    const receiver = startBlkmig(["receive", at, "--json", "--disk", `a=${target}`, "--token-file", path("token")]);
    const url = await receiver.url();
    const send = ["send", url, "--wire", wire, "--disk", `a=${source}`, "--token-file"];
    expect((await runBlkmig([...send, path("other-token")])).code).toBe(3);
    await untilDropped(receiver, /^dropped (tls|wss):/);
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(new Uint8Array(4096)));
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => {
      socket.on("close", resolve);
    });
    expect(readFileSync(target).every((byte) => byte === 0xee)).toBe(true);
    expect((await runBlkmig([...send, path("token")])).code).toBe(0);
    const received = await receiver.ended;
    expect(received.code).toBe(0);
    expect(received.events.at(-1)).toMatchObject({ event: "completed", answered: true });
    expect(sameFiles(source, target)).toBe(true);
  },
);

it("--pair makes a token, and the command that it prints moves the disk", async () => {
  const { path, source, target } = setUp();
  const receiver = startBlkmig(["receive", "tls://127.0.0.1:0", "--pair", "--disk", `a=${target}`]);
  const said = await new Promise<string>((resolve) => {
    let text = "";
    receiver.process.stderr!.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("--disk")) resolve(text);
    });
  });
  const [write, send] = said.split("\n").filter((line) => line.startsWith("  "));
  const script = `${write}\nstat -c %a blkmig-token\n${send!.replace("blkmig send", '"$NODE" "$BIN" send').replace("PATH", source)} 2>&1; echo $?`;
  expect(await runShell(script, path(""))).toMatch(/^600\n[^]*\n0\n$/);
  expect((await receiver.ended).code).toBe(0);
  expect(sameFiles(source, target)).toBe(true);
});

it("--pair tells scripts the token", async () => {
  const { target } = setUp();
  const receiver = startBlkmig(["receive", "wss://127.0.0.1:0/x", "--pair", "--json", "--disk", `a=${target}`]);
  const listening = await receiver.until(({ event }) => event === "listening");
  expect(listening).toMatchObject({ token: expect.stringMatching(/^[\w-]{43}$/) });
});

it("another machine is listened to in clear text with --insecure alone, and encrypted without", async () => {
  const { path, target } = setUp();
  const receive = (at: string) => ["receive", at, "--json", "--disk", `a=${target}`];
  expect(refusal(await runBlkmig(receive("ws://0.0.0.0:0/")))).toEqual(refused(3, /say --insecure/));
  const receiver = startBlkmig([...receive("tls://0.0.0.0:0"), "--token-file", path("token")]);
  expect(await receiver.url()).toMatch(/^tls:/);
});

it("a page may connect if its origin was allowed", async () => {
  const { target } = setUp();
  const allowed = ["--allow-origin", "https://panel.example"];
  const receiver = startBlkmig(["receive", "ws://127.0.0.1:0/x", "--json", "--disk", `a=${target}`, ...allowed]);
  const url = (await receiver.url()).replace("ws:", "http:");
  const upgrade = async (origin: string): Promise<string> =>
    runShell(
      `curl -s -o /dev/null -m 1 -w '%{http_code}' -H 'Origin: ${origin}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' \\
        -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' ${url}; true`,
      "/",
    );
  expect(await upgrade("https://elsewhere.example")).toBe("403");
  expect(await upgrade("https://panel.example")).toBe("101");
});
