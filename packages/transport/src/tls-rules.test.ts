import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { connect as connectSecurely, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";

import { describe, expect, onTestFinished, test } from "vitest";

import { toDialSettings } from "./tls-options.ts";
import { dial, HOST, readSome, startListening } from "./tls-peers.test-kit.ts";
import { connectTls, createToken, parseToken } from "./tls.ts";
import type { TransportError } from "./transport-error.ts";

const token = { token: parseToken(createToken()) };
const otherToken = { token: parseToken(createToken()) };

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

test("only so many are in their handshake at once, and the longest makes room for who comes", async () => {
  const { listener, port, refusal } = await startListening(token);
  const mutes = Array.from({ length: 64 }, () => connect({ host: HOST, port }).resume());
  await Promise.all(mutes.map((mute) => once(mute, "connect")));
  const dropped = once(mutes[0]!, "close");
  await dial(port, token);
  expect(await listener.accept()).toBeDefined();
  expect(await refusal()).toBe("it was not ready when 64 others had come after it");
  await dropped;
});

test("what is said of a peer whose handshake failed is said of no other, though they come one after the other for hours", async () => {
  const { listener, port, heard, refusal } = await startListening(token);
  for (let round = 0; round < 20; round++) {
    const stranger = connect({ host: HOST, port }).resume();
    stranger.write("GET / HTTP/1.1\r\n\r\n");
    const shy = connect({ host: HOST, port });
    await once(shy, "connect");
    shy.resetAndDestroy();
    const good = await dial(port, token);
    const accepted = await listener.accept();
    await good.send([Uint8Array.of(1)]);
    expect(await readSome(accepted!)).toBe(1);
    await refusal(2 * (round + 1));
    accepted!.destroy();
  }
  expect(heard.filter((why) => why === "it speaks clear text, not TLS")).toHaveLength(20);
  expect(heard.filter((why) => why === "it went away during the handshake")).toHaveLength(20);
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

async function startServer(onSocket: (socket: Socket) => void) {
  const server = createServer(onSocket).listen(0, HOST);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

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

  test("of TCP alone looks the same, as over tcp:, and comes after what was sent before it", async () => {
    const { listener, port } = await startListening(token);
    const { raw, socket } = await dialByHand(port);
    const accepted = (await listener.accept())!;
    await new Promise((resolve) => socket.write("abc", resolve));
    raw.end();
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve)); // all has come, unread
    expect([await readSome(accepted), await readSome(accepted)]).toEqual([3, 0]);
    await accepted.send([Uint8Array.of(7)]); // half-open: this side goes on
    expect(await once(socket, "data")).toEqual([Buffer.of(7)]);
    accepted.destroy();
  });

  test("or a reset is what comes when the peer's process is killed", async () => {
    const { listener, port } = await startListening(token);
    const fixture = fileURLToPath(new URL("tls-sender.fixture.mjs", import.meta.url));
    const words = [fixture, String(port), Buffer.from(token.token).toString("base64url")];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "inherit", "inherit"] });
    const accepted = (await listener.accept())!;
    expect(await readSome(accepted)).toBe(3);
    child.kill("SIGKILL");
    expect(await readSome(accepted).catch((error: unknown) => (error as TransportError).code)).toBeOneOf([0, "reset"]);
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

test.each(["the dialler", "the listener"])(
  "%s may let go in the moment it has its connection: the other hears",
  async (who) => {
    const { listener, port } = await startListening(token);
    for (let i = 0; i < 20; i++) {
      const wires = await Promise.all([dial(port, token), listener.accept()]);
      const [gone, there] = who === "the dialler" ? wires : wires.toReversed();
      gone!.destroy();
      await expect(readSome(there!)).rejects.toMatchObject({ code: "reset" });
    }
  },
);

test("bytes that nobody wrote who has the key break the wire", async () => {
  const { listener, port } = await startListening(token);
  const { raw } = await dialByHand(port);
  const accepted = (await listener.accept())!;
  raw.write(Buffer.concat([Buffer.from("1703030020", "hex"), Buffer.alloc(32)]));
  await expect(readSome(accepted)).rejects.toMatchObject({ code: "protocol" });
});
