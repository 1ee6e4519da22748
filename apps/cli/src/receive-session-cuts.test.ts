import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { type JsonEvent, refusal, refused, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const SIZE = 24 * MIB;
const SLOW = ["--max-bandwidth", "16M"];
const isUnderWay = ({ event, ...fields }: JsonEvent): boolean =>
  event === "status" && Number(fields["remaining"]) < SIZE - 6 * MIB;
const recordOf = (disk: string) => JSON.parse(readFileSync(`${disk}.blkmig`, "utf8")) as { state: string; held: [] };

/** A wire between two ports that can be cut, and that carries nothing from `hold()` to what that gives. */
async function startRelay(
  to: string,
): Promise<{ url: string; cut(): void; hold(): () => void; close(): void; port: (url: string) => void }> {
  let { port } = new URL(to);
  const sockets = new Map<Socket, Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.set(socket, other);
      socket.on("error", () => other.destroy()).on("close", () => other.destroy());
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const cut = (): void => {
    for (const socket of sockets.keys()) socket.destroy();
    sockets.clear();
  };
  const hold = () => {
    for (const [socket, other] of sockets) socket.unpipe(other);
    return () => {
      for (const [socket, other] of sockets) socket.pipe(other);
    };
  };
  const close = (): void => {
    server.close();
    cut();
  };
  onTestFinished(close);
  const url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, cut, hold, close, port: (next) => void (port = new URL(next).port) };
}

interface Moving {
  readonly path: (name: string) => string;
  readonly source: string;
  readonly target: string;
  readonly relay: Awaited<ReturnType<typeof startRelay>>;
  readonly receiver: Running;
  readonly sender: Running;
}

/** In the middle of a migration. */
async function startMoving(...more: readonly string[]): Promise<Moving> {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const target = makeGarbage(path("target"), SIZE);
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`, ...more]);
  const relay = await startRelay(await receiver.url());
  const sender = startBlkmig(["send", relay.url, "--json", "--disk", `a=${source}`, ...SLOW]);
  await receiver.until(isUnderWay);
  return { path, source, target, relay, receiver, sender };
}

it("a connection that breaks is waited for, and the migration goes on where it was", async () => {
  const { source, target, relay, receiver, sender } = await startMoving();
  relay.cut();
  const [sent, received] = [await sender.ended, await receiver.ended];
  expect([sent.code, received.code]).toEqual([0, 0]);
  expect(sameFiles(source, target)).toBe(true);
  const { migration } = received.events.at(-1)!;
  expect(received.events).toContainEqual(expect.objectContaining({ event: "reconnect", migration, within: 300_000 }));
});

it("a sender that does not come back leaves an incomplete target, on which --resume goes on", async () => {
  const { target, relay, receiver } = await startMoving("--reconnect-for", "200ms");
  relay.close();
  const received = await receiver.ended;
  expect(refusal(received)).toEqual(refused(1, /did not come back within 200 ms.*--resume.*targets are not complete/));
  expect(received.events.at(-1)).toMatchObject({ event: "failed", code: "incomplete" });
  expect(recordOf(target)).toMatchObject({ state: "incomplete" });
});

it("while a session lives a classic sender is dropped with a sentence, and another session is turned away", async () => {
  const { path, source, target, relay, receiver, sender } = await startMoving();
  const goOn = relay.hold();
  const url = await receiver.url();
  const other = makeDisk(path("other"), SIZE, 5);
  const classic = startBlkmig(["send", url, "--wire", "1.1", "--json", "--disk", `a=${other}`]);
  expect((await classic.ended).code).not.toBe(0);
  const dropped = (why: string) =>
    receiver.until(({ event, message }) => event === "warning" && String(message).includes(why));
  await dropped("this sender speaks no session");
  const second = startBlkmig(["send", url, "--json", "--disk", `a=${other}`, "--reconnect-for", "0ms"]);
  expect(refusal(await second.ended)).toEqual(refused(3, /another migration is under way/));
  await dropped("another migration is under way");
  goOn();
  expect([(await sender.ended).code, (await receiver.ended).code]).toEqual([0, 0]);
  expect(sameFiles(source, target)).toBe(true);
});

it("SIGINT before it is sealed cancels it", async () => {
  const { target, receiver, sender } = await startMoving();
  receiver.process.kill("SIGINT");
  expect(refusal(await receiver.ended)).toEqual(refused(130, /cancelled: the targets are not complete/));
  expect(refusal(await sender.ended)).toEqual(refused(1, /cancelled/));
  expect(recordOf(target)).toMatchObject({ state: "incomplete" });
});

it("a receiver that is killed in the middle goes on with --resume, and what was touched meanwhile is found out", async () => {
  const { source, target, relay, receiver, sender } = await startMoving();
  await receiver.until(() => recordOf(target).held.length > 0);
  receiver.process.kill("SIGKILL");
  await receiver.ended;
  const [[from]] = recordOf(target).held as unknown as [[number, number]];
  writeFileSync(target, flipped(target, from, 4096));
  const resumed = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`, "--resume"]);
  relay.port(await resumed.url());
  const [sent, received] = [await sender.ended, await resumed.ended];
  expect([sent.code, received.code]).toEqual([0, 0]);
  expect(sameFiles(source, target)).toBe(true);
  expect(sent.events.at(-1)!["migration"]).toBe(received.events.at(-1)!["migration"]);
});

function flipped(path: string, from: number, length: number): Uint8Array {
  const bytes = readFileSync(path);
  for (let at = from; at < from + length; at++) bytes[at]! ^= 0xff;
  return bytes;
}

it("--connect dials again", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const target = makeGarbage(path("target"), SIZE);
  const sender = startBlkmig(["send", AT, "--listen", "--json", "--disk", `a=${source}`, ...SLOW]);
  const relay = await startRelay(await sender.url());
  const receiver = startBlkmig(["receive", relay.url, "--connect", "--json", "--disk", `a=${target}`]);
  await receiver.until(isUnderWay);
  relay.cut();
  expect([(await sender.ended).code, (await receiver.ended).code]).toEqual([0, 0]);
  expect(sameFiles(source, target)).toBe(true);
});
