import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

import { captures, rawCapture } from "@blkmig/testkit";
import { connectTls, createToken, parseToken } from "@blkmig/transport/tls";
import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { type Ended, refusal, refused, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

// Over `tls:` an end of TCP looks like an end of what was sent: a killed peer makes one, and anybody on the way can.

const HOST = "127.0.0.1";
const SIZE = 8 * MIB;
const SOON = ["--reconnect-for", "200ms"];

type Way = "there" | "back";

/**
 * A way to a receiver for one sender. When so many bytes went there (Infinity: all), TCP ends this way in place of TLS's next
 * record, and nothing says that it was no end.
 */
async function startEnding(ended: Way, after: number, port: number): Promise<number> {
  let passed = 0;
  const carry = async (way: Way, from: Socket, to: Socket): Promise<void> => {
    let isOver = false;
    for await (const record of recordsOf(from)) {
      isOver ||= way === ended && passed >= after;
      if (isOver) to.end();
      else to.write(record);
      if (way === "there") passed += record.length;
    }
    if (way === "there") passed = Infinity;
    to.end();
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    server.close(); // who is cut off does not come back
    const far = connect({ port, host: HOST, allowHalfOpen: true });
    for (const socket of [near, far]) onTestFinished(() => void socket.on("error", () => {}).destroy());
    carry("there", near, far).catch(() => far.destroy());
    carry("back", far, near).catch(() => near.destroy());
  });
  server.listen(0, HOST);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function* recordsOf(from: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of from) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
      const length = 5 + rest.readUInt16BE(3);
      yield rest.subarray(0, length);
      rest = rest.subarray(length);
    }
  }
}

/** A receiver for these disks, and a way to it that ends. */
async function startReceiving(ended: Way, after: number, sizes: Readonly<Record<string, number>> = { a: SIZE }) {
  const path = temporaryFolder();
  const token = createToken();
  writeFileSync(path("token"), token, { mode: 0o600 });
  const keys = ["--token-file", path("token")];
  const targets = Object.entries(sizes).map(([name, size]) => [name, makeGarbage(path(name), size)] as const);
  const disks = targets.flatMap(([name, target]) => ["--disk", `${name}=${target}`]);
  const receiver = startBlkmig(["receive", `tls://${HOST}:0`, "--json", ...disks, ...keys, ...SOON]);
  const port = await startEnding(ended, after, Number(new URL(await receiver.url()).port));
  const send = async (...more: readonly string[]): Promise<Ended> => {
    const source = makeDisk(path("source"), SIZE);
    return startBlkmig(["send", `tls://${HOST}:${port}`, "--json", "--disk", `a=${source}`, ...keys, ...more]).ended;
  };
  const stateOf = (name: string) =>
    (JSON.parse(readFileSync(`${path(name)}.blkmig`, "utf8")) as { state: string }).state;
  return { path, tls: { token: parseToken(token) }, port, receiver, send, stateOf };
}

it.each(["there", "back"] as const)(
  "a session that ends bare (%s) in the middle is not over: nothing is committed",
  async (way) => {
    const { receiver, send, stateOf } = await startReceiving(way, 2 * MIB);
    const sent = await send(...SOON);
    const received = await receiver.ended;
    expect(refusal(received)).toEqual(
      refused(1, /did not come back within 200 ms.*--resume.*targets are not complete/),
    );
    expect(received.events.at(-1)).toMatchObject({ event: "failed", code: "incomplete" });
    expect(sent.code).toBe(1);
    expect(stateOf("a")).toBe("incomplete");
  },
);

it("a classic stream that ends bare in the middle is incomplete, and its sender is told no", async () => {
  const { receiver, send, stateOf } = await startReceiving("there", 2 * MIB);
  const sent = await send("--wire", "1.1");
  const received = await receiver.ended;
  expect(refusal(received)).toEqual(refused(1, /the stream end.*missing: .*\ba\b.*the targets are not complete/));
  expect(received.events.at(-1)).toMatchObject({ event: "failed", code: "incomplete" });
  expect(refusal(sent)).toEqual(refused(1, /the receiver (refused|has read it all and said no)/));
  expect(stateOf("a")).toBe("incomplete");
});

it("an answer that ends bare was none: the sender is in doubt", async () => {
  const { receiver, send } = await startReceiving("back", Infinity);
  const sent = await send("--wire", "1.1");
  expect((await receiver.ended).code).toBe(0);
  expect(refusal(sent)).toEqual(refused(4, /closed its side without an answer/));
});

it("a QEMU's stream that ends bare in the middle is incomplete", async () => {
  const { name, disks } = captures.find((capture) => capture.name === "pc-2disk-zeroblocks")!;
  const { tls, port, receiver } = await startReceiving("there", 2 * MIB, Object.fromEntries(disks));
  const qemu = await connectTls({ host: HOST, port, tls });
  onTestFinished(() => qemu.destroy());
  await qemu.send([rawCapture(name)]).catch(() => {}); // the receiver may have hung up
  const received = await receiver.ended;
  expect(refusal(received)).toEqual(refused(1, /before its disks did; missing: .*virtio1/));
  expect(received.events.at(-1)).toMatchObject({ event: "failed", code: "incomplete" });
});
