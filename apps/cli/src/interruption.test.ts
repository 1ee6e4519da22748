import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";

import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { type JsonEvent, refusal, refused, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const SIZE = 64 * MIB;
const isUnderWay = (event: JsonEvent): boolean =>
  event.event === "status" && event["phase"] === "bulk" && Number(event["transferred"]) > 3 * MIB;

interface Pair {
  readonly sender: Running;
  readonly receiver: Running;
  /** Whether the source is as it was. */
  readonly intact: () => boolean;
  readonly source: string;
}

/** A classic migration slow enough to be in the middle of, and in the middle of it. */
async function startPair(): Promise<Pair> {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const before = readFileSync(source);
  const target = makeGarbage(path("target"), SIZE);
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `a=${target}`]);
  const slow = ["--wire", "1.1", "--max-bandwidth", "8M"];
  const sender = startBlkmig(["send", await receiver.url(), "--json", "--disk", `a=${source}`, ...slow]);
  await sender.until(isUnderWay);
  await receiver.until((event) => event.event === "status" && Number(event["remaining"]) < SIZE);
  return { sender, receiver, source, intact: () => readFileSync(source).equals(before) };
}

it.each(["SIGINT", "SIGTERM"] as const)("%s cancels a sender: the source is intact", async (signal) => {
  const { sender, receiver, intact } = await startPair();
  sender.process.kill(signal);
  sender.process.kill(signal);
  const sent = await sender.ended;
  // Of a classic stream nothing is kept that could be gone on with.
  expect(refusal(sent)).toEqual(refused(130, /cancelled: the source is as the guest left it$/));
  expect(sent.events.at(-1)).toMatchObject({ event: "cancelled" });
  expect(refusal(await receiver.ended)).toEqual(refused(1, /the targets are not complete/));
  expect(intact()).toBe(true);
});

it("SIGINT cancels a receiver in the middle, and the sender hears of it", async () => {
  const { sender, receiver, intact } = await startPair();
  receiver.process.kill("SIGINT");
  expect(refusal(await receiver.ended)).toEqual(refused(130, /cancelled: the targets are not complete/));
  const sent = await sender.ended;
  expect(refusal(sent)).toEqual(refused(1, /the receiver refused/));
  expect(sent.events.at(-1)).toMatchObject({ event: "failed", code: "refused" });
  expect(intact()).toBe(true);
});

it("a receiver that only listens is cancelled as well", async () => {
  const target = makeGarbage(temporaryFolder()("target"), MIB);
  const receiver = startBlkmig(["receive", "ws://127.0.0.1:0/x", "--json", "--disk", `a=${target}`]);
  await receiver.url();
  receiver.process.kill("SIGTERM");
  const ended = await receiver.ended;
  expect(refusal(ended)).toEqual(refused(130, /cancelled/));
  expect(ended.events.at(-1)).toMatchObject({ event: "cancelled" });
});

it("a receiver that waits for standard input is cancelled as well", async () => {
  const target = makeGarbage(temporaryFolder()("target"), MIB);
  const receiver = startBlkmig(["receive", "-", "--json", "--disk", `a=${target}`], { eventsAt: 2 });
  receiver.process.stdin!.write("\0\0\0\0"); // half a word
  expect(await receiver.url()).toBe("stdio:");
  receiver.process.kill("SIGINT");
  const { code, events, stdout, stderr } = await receiver.ended;
  expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  expect(events.at(-1)).toMatchObject({ event: "cancelled" });
  expect(stderr).not.toContain("blkmig:"); // nothing but events, where events go
});

it("a sender that is killed leaves a receiver that says so", async () => {
  const { sender, receiver } = await startPair();
  sender.process.kill("SIGKILL");
  expect(refusal(await receiver.ended)).toEqual(refused(1, /\(the targets are not complete\)/));
});

it("a receiver that is killed leaves the source intact", async () => {
  const { sender, receiver, intact } = await startPair();
  receiver.process.kill("SIGKILL");
  expect(refusal(await sender.ended)).toEqual(refused(1, /./));
  expect(intact()).toBe(true);
});

it("a source that was changed meanwhile is no migration", async () => {
  const { sender, receiver, source } = await startPair();
  writeFileSync(source, "changed", { flag: "r+" });
  const sent = await sender.ended;
  expect(refusal(sent)).toEqual(refused(1, /disk 'a': .* was changed while it was sent/));
  expect(sent.events.at(-1)).toMatchObject({ event: "failed", code: "changed" });
  expect(refusal(await receiver.ended)).toEqual(refused(1, /the targets are not complete/));
});

/** A receiver that reads to the end and then does as it is told. */
async function listenToAll(atTheEnd: (socket: Socket) => void): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.resume().on("end", () => atTheEnd(socket));
    onTestFinished(() => void socket.destroy());
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("a receiver that took it all and does not answer leaves the sender in doubt", async () => {
  const url = await listenToAll((socket) => socket.end());
  const sender = startBlkmig([
    "send",
    url,
    "--wire",
    "1.1",
    "--json",
    "--disk",
    `a=${makeDisk(temporaryFolder()("a"), MIB)}`,
  ]);
  const ended = await sender.ended;
  expect(refusal(ended)).toEqual(refused(4, /it is not known whether the receiver has committed/));
  expect(ended.events.at(-1)).toMatchObject({ event: "in-doubt", migration: null });
});

it("SIGINT while the answer is awaited leaves it in doubt, too", async () => {
  let sender: Running | undefined;
  const url = await listenToAll(() => sender!.process.kill("SIGINT"));
  sender = startBlkmig([
    "send",
    url,
    "--wire",
    "1.1",
    "--json",
    "--disk",
    `a=${makeDisk(temporaryFolder()("a"), MIB)}`,
  ]);
  expect(refusal(await sender.ended)).toEqual(refused(4, /interrupted before the receiver's answer came/));
});
