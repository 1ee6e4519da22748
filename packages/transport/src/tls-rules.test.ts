import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { connect as connectSecurely, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";

import { describe, expect, onTestFinished, test } from "vitest";

import { createAuthority, hasOpenssl } from "./certificates.test-kit.ts";
import { toDialSettings } from "./tls-options.ts";
import { connectTls, createToken, listenTls, parseToken, type TlsListenOptions, type TlsOptions } from "./tls.ts";

const HOST = "127.0.0.1";
const token = { token: parseToken(createToken()) };
const otherToken = { token: parseToken(createToken()) };

/** A listener, and what it says of those it turns away, one by one. */
async function startListening(tls: TlsOptions, options: Partial<TlsListenOptions> = {}) {
  const heard: string[] = [];
  let wake = () => {};
  const onRefused = (peer: string, why: string) => {
    expect(peer).toMatch(/^tls:\/\/127\.0\.0\.1:\d+$/u);
    heard.push(why);
    wake();
  };
  const listener = await listenTls({ host: HOST, port: 0, tls, onRefused, ...options });
  onTestFinished(() => listener.close());
  const refusal = async (count = 1) => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return heard.at(-1);
  };
  return { listener, port: Number(new URL(listener.url).port), heard, refusal };
}

async function dial(port: number, tls: TlsOptions, host = HOST) {
  const wire = await connectTls({ host, port, tls });
  onTestFinished(() => wire.destroy());
  return wire;
}

async function startServer(onSocket: (socket: Socket) => void) {
  const server = createServer(onSocket).listen(0, HOST);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

const readSome = async (from: { read(into: Uint8Array): Promise<number> }) => from.read(new Uint8Array(100));

test("another token fails the handshake, both ends say so, and the next peer is served", async () => {
  const { listener, port, refusal } = await startListening(token);
  await expect(dial(port, otherToken)).rejects.toMatchObject({
    code: "connect",
    message: expect.stringContaining("did not take the token"),
  });
  expect(await refusal()).toBe("it has another token");
  const good = await dial(port, token);
  const accepted = await listener.accept();
  await good.send([Uint8Array.of(1)]);
  expect(await readSome(accepted!)).toBe(1);
  accepted!.destroy();
});

test.each([
  ["a classic stream", Buffer.from("0000000000100002", "hex"), "it speaks clear text, not TLS"],
  ["QEMU", Buffer.from("QEVM\x00\x00\x00\x03"), "it speaks clear text, not TLS"],
  ["a request", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "it speaks clear text, not TLS"],
  ["zeros", Buffer.alloc(600), "it speaks clear text, not TLS"],
])("%s in clear text is only a failed handshake", async (_what, bytes, why) => {
  const { port, refusal } = await startListening(token);
  const stranger = connect({ host: HOST, port }).resume();
  stranger.write(bytes);
  await once(stranger, "close");
  expect(await refusal()).toBe(why);
});

test("a peer that says nothing is dropped in time", async () => {
  const { port, refusal } = await startListening(token, { handshakeTimeoutMs: 20 });
  const mute = connect({ host: HOST, port }).resume();
  await once(mute, "close");
  expect(await refusal()).toBe("it was not ready within 20 ms");
});

test.each(["end", "resetAndDestroy"] as const)("a peer that leaves in the middle (%s) is told of", async (leave) => {
  const { port, refusal } = await startListening(token);
  const shy = connect({ host: HOST, port });
  await once(shy, "connect");
  shy[leave]();
  expect(await refusal()).toBe("it went away during the handshake");
});

test("only so many are in their handshake at once, and a place that is free again is taken", async () => {
  const { listener, port, refusal } = await startListening(token);
  const mutes = Array.from({ length: 64 }, () => connect({ host: HOST, port }).resume());
  await Promise.all(mutes.map((mute) => once(mute, "connect")));
  await expect(dial(port, token)).rejects.toMatchObject({ code: "connect" });
  expect(await refusal()).toBe("64 others are in their handshake");
  mutes[0]!.resetAndDestroy();
  await refusal(2);
  await dial(port, token);
  expect(await listener.accept()).toBeDefined();
});

test("closing drops those in their handshake, and is no refusal", async () => {
  const { listener, port, heard } = await startListening(token);
  const mute = connect({ host: HOST, port }).resume();
  await once(mute, "connect");
  const good = await dial(port, token); // so the one before it has arrived as well
  await listener.close();
  await once(mute, "close");
  await expect(readSome(good)).rejects.toMatchObject({ code: "reset" });
  expect(heard).toEqual([]);
});

test("a server that speaks clear text, and one that says nothing, are told apart", async () => {
  const talking = await startServer((socket) => socket.end("220 mail.example\r\n"));
  await expect(dial(talking, token)).rejects.toMatchObject({ message: expect.stringContaining("speaks clear text") });
  const mute = await startServer((socket) => socket.resume());
  const dialling = connectTls({ host: HOST, port: mute, tls: token, handshakeTimeoutMs: 20 });
  await expect(dialling).rejects.toMatchObject({ code: "timeout", message: expect.stringContaining("clear text?") });
});

test("a server that hangs up in the handshake, and a signal, end the attempt", async () => {
  const rude = await startServer((socket) => socket.destroy());
  await expect(dial(rude, token)).rejects.toMatchObject({
    code: "connect",
    message: expect.stringContaining("its log"),
  });
  const controller = new AbortController();
  const mute = await startServer(() => controller.abort(new Error("enough")));
  const dialling = connectTls({ host: HOST, port: mute, tls: token, signal: controller.signal });
  await expect(dialling).rejects.toMatchObject({ code: "destroyed" });
});

/** TLS on a socket whose end we can make as we like: the encrypted bytes stop, and nothing says that this is the end. */
async function dialByHand(port: number): Promise<{ raw: Socket; socket: TLSSocket }> {
  const raw = connect({ host: HOST, port, allowHalfOpen: true });
  await once(raw, "connect");
  const socket = connectSecurely({ ...toDialSettings(token, HOST), socket: raw });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  onTestFinished(() => void raw.destroy());
  return { raw, socket };
}

describe("the end", () => {
  test("is what TLS says it is", async () => {
    const { listener, port } = await startListening(token);
    const { socket } = await dialByHand(port);
    const accepted = (await listener.accept())!;
    socket.end("abc");
    expect([await readSome(accepted), await readSome(accepted), await readSome(accepted)]).toEqual([3, 0, 0]);
    accepted.destroy();
  });

  test("is not where TCP ends, which anybody on the way can make it", async () => {
    const { listener, port } = await startListening(token);
    const { raw, socket } = await dialByHand(port);
    const accepted = (await listener.accept())!;
    await new Promise((resolve) => socket.write("abc", resolve));
    expect(await readSome(accepted)).toBe(3);
    raw.end();
    await expect(readSome(accepted)).rejects.toMatchObject({ code: "reset" });
  });

  test("is not where the peer's process is killed", async () => {
    const { listener, port } = await startListening(token);
    const fixture = fileURLToPath(new URL("tls-sender.fixture.mjs", import.meta.url));
    const words = [fixture, String(port), Buffer.from(token.token).toString("base64url")];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "inherit", "inherit"] });
    const accepted = (await listener.accept())!;
    expect(await readSome(accepted)).toBe(3);
    child.kill("SIGKILL");
    await expect(readSome(accepted)).rejects.toMatchObject({ code: "reset" });
  });

  test("of a peer waits until what it sent was read, also when this side has finished", async () => {
    const { listener, port } = await startListening(token);
    const dialled = await dial(port, token);
    const accepted = (await listener.accept())!;
    await dialled.finish();
    await accepted.send([new Uint8Array(5000)]);
    await accepted.finish();
    let sum = await readSome(dialled);
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve)); // all has come, unread
    for (let n = await readSome(dialled); n > 0; n = await readSome(dialled)) sum += n;
    expect(sum).toBe(5000);
  });
});

test("bytes that nobody wrote who has the key break the wire", async () => {
  const { listener, port } = await startListening(token);
  const { raw } = await dialByHand(port);
  const accepted = (await listener.accept())!;
  raw.write(Buffer.concat([Buffer.from("1703030020", "hex"), Buffer.alloc(32)]));
  await expect(readSome(accepted)).rejects.toMatchObject({ code: "protocol" });
});

describe.skipIf(!hasOpenssl)("certificates (skipped without the program openssl)", () => {
  const ours = hasOpenssl ? createAuthority() : undefined!;
  const theirs = hasOpenssl ? createAuthority() : undefined!;
  const server = hasOpenssl ? { ca: ours.ca, ...ours.sign(`IP:${HOST}`) } : undefined!;
  const sender = hasOpenssl ? { ca: ours.ca, ...ours.sign("DNS:sender.example") } : undefined!;

  test("a server that our authority has not signed is not trusted", async () => {
    const { port } = await startListening({ ca: theirs.ca, ...theirs.sign(`IP:${HOST}`) });
    await expect(dial(port, sender)).rejects.toMatchObject({
      code: "connect",
      message: expect.stringContaining("certificate is not trusted"),
    });
  });

  test("a server's certificate must be for the host that was dialled", async () => {
    const { port, refusal } = await startListening({ ca: ours.ca, ...ours.sign("DNS:other.example") });
    await expect(dial(port, sender)).rejects.toMatchObject({ message: expect.stringContaining("is for another host") });
    expect(await refusal()).toBe("it went away during the handshake");
    const named = await startListening({ ca: ours.ca, ...ours.sign("DNS:localhost") });
    expect((await dial(named.port, sender, "localhost")).peer).toBe(`tls://localhost:${named.port}`);
  });

  test("a peer that our authority has not signed never arrives, and is told with its first read", async () => {
    const { port, refusal } = await startListening(server);
    const stranger = await dial(port, { ...theirs.sign("DNS:sender.example"), ca: ours.ca });
    await expect(readSome(stranger)).rejects.toMatchObject({
      code: "reset",
      message: expect.stringContaining("refused our certificate"),
    });
    expect(await refusal()).toMatch(/^its certificate is not trusted/u);
  });

  test("a peer without a certificate is turned away", async () => {
    const { port, refusal } = await startListening(server);
    const socket = connectSecurely({ host: HOST, port, ca: ours.ca });
    expect(await once(socket.resume(), "error")).toMatchObject([{ code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" }]);
    expect(await refusal()).toBe("it shows no certificate");
  });

  test("TLS 1.2 is turned away", async () => {
    const { port, refusal } = await startListening(server);
    const { ca, cert, key } = sender;
    const socket = connectSecurely({ host: HOST, port, ca, cert, key, maxVersion: "TLSv1.2" });
    await once(socket.resume(), "error");
    expect(await refusal()).toBe("it does not speak TLS 1.3");
  });

  test("a token and certificates do not meet, whoever signed them", async () => {
    const byCertificate = await startListening(server);
    await expect(dial(byCertificate.port, token)).rejects.toMatchObject({
      message: expect.stringContaining("does not know the token"),
    });
    const byToken = await startListening(token);
    await expect(dial(byToken.port, sender)).rejects.toMatchObject({
      message: expect.stringContaining("expects a token"),
    });
    expect(await byToken.refusal()).toMatch(/^it has no token of ours/u);
  });

  test("a certificate is no proof of the token, not even one that this machine trusts", async () => {
    const { ca, cert, key } = server;
    const impostor = createTlsServer({ ca, cert, key }, (socket) => socket.end("give me your disk")).listen(0, HOST);
    await once(impostor, "listening");
    onTestFinished(() => void impostor.close());
    const { port } = impostor.address() as { port: number };
    await expect(dial(port, token)).rejects.toMatchObject({ code: "connect" });
    const trusting = connectSecurely({ ...toDialSettings(token, HOST), port, ca, ciphers: "TLS_AES_128_GCM_SHA256" });
    expect(String(await once(trusting, "error"))).toContain("a certificate is no proof of the token");
  });

  test("what another program's server has against our certificate is a connect error of the first read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "blkmig-s-server-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const keys = [
      "-cert",
      file("cert", server.cert),
      "-key",
      file("key", server.key),
      "-CAfile",
      file("ca", theirs.ca),
    ];
    const words = ["s_server", "-accept", `${HOST}:0`, ...keys, "-Verify", "1", "-verify_return_error"];
    const child = spawn("openssl", words, { stdio: ["pipe", "pipe", "ignore"] });
    onTestFinished(() => void child.kill());
    const port = await portOf(child.stdout);
    await expect(readSome(await dial(port, sender))).rejects.toMatchObject({
      code: "connect",
      message: expect.stringContaining("does not trust our certificate"),
    });
  });

  test("what is no certificate, and a key of another one, are the caller's mistake", async () => {
    const { ca, cert, key } = server;
    const listening = (tls: TlsOptions) => listenTls({ host: HOST, port: 0, tls });
    await expect(listening({ ca: "", cert, key })).rejects.toThrow(/^tls\.ca is no certificate/u);
    await expect(listening({ ca, cert: "x", key })).rejects.toThrow(/^tls\.cert is no certificate/u);
    await expect(listening({ ca, cert, key: cert })).rejects.toThrow(/^tls\.key is no private key/u);
    await expect(listening({ ca, cert, key: sender.key })).rejects.toThrow("tls.key is not the key of tls.cert");
    await expect(connectTls({ host: HOST, port: 1, tls: { ca: "", cert, key } })).rejects.toThrow(TypeError);
    await expect(listening({ token: new Uint8Array(15) })).rejects.toThrow(/15 bytes could be guessed/u);
  });
});

/** Where `openssl s_server` says that it listens. */
async function portOf(output: Readable): Promise<number> {
  let text = "";
  for (;;) {
    const port = /ACCEPT \S+:(\d+)/u.exec(text)?.[1];
    if (port !== undefined) return Number(port);
    text += String(await once(output, "data"));
  }
}
