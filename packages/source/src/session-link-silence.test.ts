import { crc32 } from "node:zlib";

import { encodeMessage, encodeSessionPong, encodeSessionPreface, type Segments } from "@blkmig/protocol";
import { recordingWire } from "@blkmig/testkit";
import { expect, test } from "vitest";

import type { Clock } from "./clock.ts";
import { Cut } from "./cut.ts";
import { hello, welcomed } from "./greetings.test-kit.ts";
import { openSessionLink } from "./session-link.ts";

const PING_EVERY_MS = 5000;
const PING = 7;

const welcome = encodeMessage(welcomed);

/** Stands, but for `minutes()`: in them everybody who sleeps wakes at his time. */
function handClock() {
  const sleepers = new Set<{ readonly until: number; wake(): void }>();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => resolve());
      }),
  };
  const minutes = async (count: number): Promise<void> => {
    for (const end = now + count * 60_000; now < end;) {
      now += PING_EVERY_MS;
      for (const sleeper of [...sleepers].filter(({ until }) => until <= now)) {
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      for (let turns = 0; turns < 4; turns++) await new Promise(setImmediate);
    }
  };
  return { clock, minutes };
}

/** A link to a receiver that answers every ping, and nothing else but what the test says. */
async function linkToSleepwalker() {
  const { clock, minutes } = handClock();
  const wire = recordingWire();
  let pings = 0;
  const send = async (data: Segments): Promise<void> => {
    await wire.send(data);
    if (data[0]![0] === PING) wire.reply(Buffer.concat(encodeSessionPong(++pings)));
  };
  wire.reply(Buffer.concat([encodeSessionPreface(), welcome].flat()));
  const { signal } = new AbortController();
  const link = await openSessionLink({ wire: { ...wire, send }, hello, clock, crc32, signal });
  return { link, wire, minutes };
}

test("a receiver that answers pings and nothing that it is asked is cut off after 30 minutes", async () => {
  const { link, minutes } = await linkToSleepwalker();
  const sealed = link
    .request({ say: "seal", attempt: 1, frames: 0, verified: false }, "sealed")
    .catch((error: unknown) => error);
  await minutes(30);
  expect(link.ended.aborted).toBe(false);
  await minutes(1);
  expect(link.ended.reason).toBeInstanceOf(Cut);
  expect(await sealed).toMatchObject({ message: expect.stringMatching(/answers pings, and for 30 min nothing else/) });
});

test("one that is asked nothing, or answers something now and then, is not", async () => {
  const { link, wire, minutes } = await linkToSleepwalker();
  await minutes(600);
  void link.request({ say: "seal", attempt: 1, frames: 0, verified: false }, "sealed").catch(() => {});
  const flushed = link.request({ say: "flush", serial: 1 }, "flushed");
  await minutes(29);
  wire.reply(Buffer.concat(encodeMessage({ say: "flushed", serial: 1, ms: 1 })));
  await flushed;
  await minutes(29);
  expect(link.ended.aborted).toBe(false);
});
