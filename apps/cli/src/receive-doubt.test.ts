import { readFileSync } from "node:fs";

import { openDisk } from "@blkmig/device";
import { createMigration, type SessionOptions, type SourceJournal } from "@blkmig/source";
import { connectUrl, parseWireUrl } from "@blkmig/transport/url";
import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const SIZE = 3 * MIB;
const SOON = ["--reconnect-for", "200ms"];
const NOTHING: SourceJournal = { begin: nothing, asked: nothing, kept: nothing, moved: nothing };

async function nothing(): Promise<void> {}

/** A sender in the test's own process, which does as it is told when it is about to ask for the commit, or has its answer. */
async function startSender(
  source: string,
  session: Partial<SessionOptions>,
): Promise<{ run: Promise<unknown>; stop(): void }> {
  const device = await openDisk(source, { name: "a", readOnly: true });
  onTestFinished(async () => device.close());
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const wires = new Set<{ destroy(): void }>();
  const migration = createMigration({
    disks: [{ name: "a", device }],
    includeReadOnly: true,
    session: {
      reconnectFor: 10_000,
      ...session,
      async connect(signal, opening) {
        stop.signal.throwIfAborted();
        const wire = await session.connect!(signal, opening);
        wires.add(wire);
        return wire;
      },
    },
  });
  return {
    run: migration.run().catch((error: unknown) => error),
    stop() {
      stop.abort();
      for (const wire of wires) wire.destroy();
    },
  };
}

function startReceiver(target: string, ...more: readonly string[]): Running {
  return startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`, ...more]);
}

const dial = (url: string) => async (signal: AbortSignal) => connectUrl(parseWireUrl(url), { signal });
const recordOf = (disk: string): unknown => JSON.parse(readFileSync(`${disk}.blkmig`, "utf8"));

/** A receiver that has sealed, and a sender that never says whether it commits. */
async function startSealed(...more: readonly string[]) {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const target = makeGarbage(path("target"), SIZE);
  const receiver = startReceiver(target, ...more);
  const url = await receiver.url();
  const sealed = new Promise<void>((resolve) => {
    const asked = async (): Promise<void> => {
      resolve();
      await new Promise(() => {});
    };
    void startSender(source, { connect: dial(url), migration: "m-1", journal: { ...NOTHING, asked } }).then(
      (started) => {
        sender = started;
      },
    );
  });
  let sender: Awaited<ReturnType<typeof startSender>> | undefined;
  await sealed;
  expect(recordOf(target)).toMatchObject({ state: "sealed", attempt: 1 });
  return { target, receiver, gone: () => sender!.stop() };
}

it("sealed, and its sender gone: in doubt, and the commands that end it are told", async () => {
  const { target, receiver, gone } = await startSealed(...SOON);
  gone();
  const received = await receiver.ended;
  expect(refusal(received)).toEqual(refused(4, /only its source knows whether it commits/));
  const commit = `blkmig resolve --target ${target} --commit m-1`;
  const abort = `blkmig resolve --target ${target} --abort m-1`;
  expect(received.events.at(-1)).toMatchObject({ event: "in-doubt", migration: "m-1", resolve: [commit, abort] });
  expect((await runBlkmig(commit.split(" ").slice(1))).code).toBe(0);
  expect(recordOf(target)).toMatchObject({ state: "committed" });
});

it("SIGINT when it is sealed leaves it in doubt", async () => {
  const { target, receiver } = await startSealed();
  receiver.process.kill("SIGINT");
  expect(refusal(await receiver.ended)).toEqual(refused(4, /only its source knows/));
  expect(recordOf(target)).toMatchObject({ state: "sealed" });
});

it("committed, and its sender gone before it said that it knows: fine, with a warning", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const target = makeGarbage(path("target"), SIZE);
  const receiver = startReceiver(target, ...SOON);
  const url = await receiver.url();
  const moved = async (): Promise<void> => {
    sender.stop();
    await new Promise(() => {});
  };
  const sender = await startSender(source, { connect: dial(url), migration: "m-1", journal: { ...NOTHING, moved } });
  const received = await receiver.ended;
  expect(received.code).toBe(0);
  expect(received.events.at(-1)).toMatchObject({ event: "completed", answered: false });
  expect(received.events).toContainEqual({ event: "warning", message: expect.stringContaining("may not know") });
  expect(sameFiles(source, target)).toBe(true);

  const again = startReceiver(target, "--resume");
  const resume = { asked: 1, attempt: 1 };
  const asking = await startSender(source, { connect: dial(await again.url()), migration: "m-1", resume });
  expect(await asking.run).toMatchObject({ proved: true });
  const told = await again.ended;
  expect(told.code).toBe(0);
  expect(told.events.at(-1)).toMatchObject({ event: "completed", migration: "m-1", answered: true });
});

it("a receiver that is killed when it has sealed goes on with --resume, by another attempt", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const target = makeGarbage(path("target"), SIZE);
  const first = startReceiver(target);
  let url = await first.url();
  let second: Running | undefined;
  const asked = async (): Promise<void> => {
    if (second) return;
    first.process.kill("SIGKILL");
    await first.ended;
    second = startReceiver(target, "--resume");
    url = await second.url();
  };
  const connect = async (signal: AbortSignal) => connectUrl(parseWireUrl(url), { signal });
  const sender = await startSender(source, { connect, migration: "m-1", journal: { ...NOTHING, asked } });
  expect(await sender.run).toMatchObject({ proved: true });
  const received = await second!.ended;
  expect(received.code).toBe(0);
  expect(received.events.at(-1)).toMatchObject({ event: "completed", attempt: 2 });
  expect(sameFiles(source, target)).toBe(true);
});
