import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { connectUrl, formatWireUrl, isLocal, listenUrl, parseWireUrl, type WireUrl } from "./url.ts";

const understood: [string, WireUrl][] = [
  ["tcp://10.0.0.2:4711", { kind: "tcp", host: "10.0.0.2", port: 4711 }],
  ["tcp://[::1]:0", { kind: "tcp", host: "::1", port: 0 }],
  ["tls://backup.example:65535", { kind: "tls", host: "backup.example", port: 65_535 }],
  ["unix:///run/a%20b.sock", { kind: "unix", path: "/run/a b.sock" }],
  ["file:///tmp/a", { kind: "file", path: "/tmp/a" }],
  ["ws://host:80?c=d:e", { kind: "ws", host: "host", port: 80, path: "?c=d:e" }],
  ["ws://host:80/a/b?c=d", { kind: "ws", host: "host", port: 80, path: "/a/b?c=d" }],
  ["ssh://root@backup.example", { kind: "ssh", user: "root", host: "backup.example" }],
  ["ssh://[fe80::1]:22", { kind: "ssh", host: "fe80::1", port: 22 }],
  ["stdio:", { kind: "stdio" }],
];

test.each(understood)("%s is understood, and written the same", (text, url) => {
  expect(parseWireUrl(text)).toEqual(url);
  expect(formatWireUrl(url)).toBe(text);
});

test("what may be left out is filled in", () => {
  expect(parseWireUrl("-")).toEqual({ kind: "stdio" });
  expect(parseWireUrl("ws://host")).toEqual({ kind: "ws", host: "host", port: 80, path: "/" });
  expect(parseWireUrl("wss://host/x")).toEqual({ kind: "wss", host: "host", port: 443, path: "/x" });
});

test.each([
  ["", "does not begin with a kind"],
  ["10.0.0.2:4711", "is no kind of wire"],
  ["http://host:80", "'http' is no kind of wire"],
  ["constructor://host:80", "is no kind of wire"],
  ["tcp:host:80", "it should be //host:port"],
  ["tcp://host", "the port is missing"],
  ["tcp://:80", "the host is missing"],
  ["tcp://host:65536", "'65536' is no port"],
  ["tcp://host:8o", "'8o' is no port"],
  ["tcp://host:80/path", "nothing can follow the port"],
  ["tcp://::1:80", "in brackets"],
  ["tcp://[::g]:80", "is no IPv6 address"],
  ["tcp://user@host:80", "is no host"],
  ["unix://run/a", "three slashes"],
  ["unix:///", "the path is missing"],
  ["file:///a%zz", "two hex digits"],
  ["ws://host/a#b", "fragment"],
  ["ws://host]b/a", "it should be //host:port"],
  ["ssh://-oProxyCommand=x", "is no host"],
  ["ssh://-host", "does not begin with '-'"],
  ["ssh://-l@host", "'-l' is no user"],
  ["stdio:x", "nothing can follow"],
])("%s is refused: %s", (text, why) => {
  expect(() => parseWireUrl(text)).toThrow(why);
  expect(() => parseWireUrl(text)).toThrow("for example");
});

test.each([
  ["tcp://127.9.9.9:1", true],
  ["tcp://localhost:1", true],
  ["tcp://[::1]:1", true],
  ["tcp://[0:0::0:1]:1", true],
  ["tcp://[::ffff:127.0.0.1]:1", true],
  ["unix:///a", true],
  ["file:///a", true],
  ["-", true],
  ["tcp://0.0.0.0:1", false],
  ["tcp://[::]:1", false],
  ["tcp://[fe80::1%eth0]:1", false],
  ["tcp://128.0.0.1:1", false],
  ["ws://localhost.example/", false],
  ["ws://127.0.0.1.example/", false],
  ["ssh://backup", false],
])("%s: stays on this machine: %s", (text, local) => {
  expect(isLocal(parseWireUrl(text))).toBe(local);
});

test.each(["tcp://127.0.0.1:0", "ws://127.0.0.1:0/migrate", "unix"])("%s is dialled where it listens", async (text) => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-url-"));
  const listener = await listenUrl(parseWireUrl(text === "unix" ? `unix://${folder}/a` : text));
  const [dialled, accepted] = await Promise.all([connectUrl(parseWireUrl(listener.url)), listener.accept()]);
  await Promise.all([dialled.finish(), accepted!.finish()]);
  expect(await dialled.read(new Uint8Array(1))).toBe(0);
  await listener.close();
  rmSync(folder, { recursive: true });
});

test("a file is sent to and received from, once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-url-"));
  const url = parseWireUrl(`file://${folder}/stream`);
  const out = await connectUrl(url);
  await out.send([Uint8Array.of(1, 2, 3)]);
  await out.finish();
  const listener = await listenUrl(url);
  const peer = await listener.accept();
  expect(await peer!.read(new Uint8Array(9))).toBe(3);
  expect(await listener.accept()).toBeUndefined();
  peer!.destroy();
  await listener.close();
  rmSync(folder, { recursive: true });
});

const tls = { token: new Uint8Array(16).fill(7) };

test.each(["tls://127.0.0.1:0", "wss://127.0.0.1:0/migrate"])(
  "%s is dialled where it listens, by token",
  async (text) => {
    const refusals: string[] = [];
    const onRefused = (_peer: string, why: string) => refusals.push(why);
    const listener = await listenUrl(parseWireUrl(text), { tls, onRefused, handshakeTimeoutMs: 5000 });
    const url = parseWireUrl(listener.url);
    const strange = connectUrl(url, { tls: { token: new Uint8Array(16) } });
    await expect(strange).rejects.toMatchObject({ code: "connect" });
    const [dialled, accepted] = await Promise.all([connectUrl(url, { tls }), listener.accept()]);
    await Promise.all([dialled.finish(), accepted!.finish()]);
    expect(await dialled.read(new Uint8Array(1))).toBe(0);
    expect(refusals).toEqual(["it has another token"]);
    await listener.close();
  },
);

test.each(["tls://127.0.0.1:1", "wss://127.0.0.1:1"])("%s without keys says what is needed", async (text) => {
  const message = expect.stringContaining("needs a token, or a certificate");
  await expect(connectUrl(parseWireUrl(text))).rejects.toMatchObject({ code: "connect", message });
  await expect(listenUrl(parseWireUrl(text))).rejects.toMatchObject({ code: "listen", message });
});

test.each(["tcp://127.0.0.1:0", "ws://127.0.0.1:0/", "unix:///nowhere/a", "file:///nowhere/a", "-", "ssh://host"])(
  "%s never speaks in clear to who gave keys",
  async (text) => {
    await expect(connectUrl(parseWireUrl(text), { tls })).rejects.toThrow(TypeError);
    await expect(listenUrl(parseWireUrl(text), { tls })).rejects.toThrow(TypeError);
  },
);
