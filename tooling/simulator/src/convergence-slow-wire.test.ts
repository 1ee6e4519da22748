import { createMemoryDevice } from "@blkmig/device";
import { MigrationError, type MigrationEvent } from "@blkmig/source";
import { expect, test } from "vitest";

import { isLeftAlone, stepsOf, warningsOf } from "./paced-figures.ts";
import { type PacedEnd, type PacedSession, type PacedSessionOptions, runPacedSession } from "./paced-session.ts";

const MB = 1_000_000;
const MiB = 1024 * 1024;

/** 20 MB/s of writes to 16 MiB, over a wire of 5 MB/s. */
async function outrun(migration: PacedSessionOptions["migration"], onEvent?: PacedSessionOptions["onEvent"]) {
  return runPacedSession({
    wire: { bytesPerSecond: 5 * MB, latencyMs: 1 },
    origin: createMemoryDevice({ size: 16 * MiB, fill: 7 }),
    guestRate: 20 * MB,
    ...(migration ? { migration } : {}),
    ...(onEvent ? { onEvent } : {}),
  });
}

function assertMoved({ end, same, migration }: PacedEnd): void {
  expect(end).not.toBeInstanceOf(Error);
  expect(same).toBe(true);
  expect(migration.statistics().downtime).toBeLessThan(300);
}

test("throttled, the guest writes as fast as was told, step by step, and it ends", async () => {
  const rates: { readonly told: number; readonly since: number; readonly written: number }[] = [];
  const ended = await outrun({ throttle: true }, (event, { clock, guest, migration }) => {
    if (event.type !== "converge" || event.step !== "throttle") return;
    rates.push({ told: event.bytesPerSecond, since: clock.now(), written: guest!.answeredBytes });
    expect(migration.statistics().throttle).toBe(event.bytesPerSecond);
  });
  assertMoved(ended);
  expect(rates.length).toBeGreaterThan(1);
  for (const [step, { told, since, written }] of rates.slice(0, -1).entries()) {
    const next = rates[step + 1]!;
    expect(told).toBeGreaterThan(next.told);
    const mean = ((next.written - written) * 1000) / (next.since - since);
    expect(Math.abs(mean - told) / told, `${told} a second were told`).toBeLessThan(0.1);
  }
  expect(isLeftAlone(ended)).toBe(true);
});

test("throttled, it is left a part of what the wire may carry, however much it could", async () => {
  const told: number[] = [];
  const ended = await runPacedSession({
    wire: { bytesPerSecond: 100 * MB, latencyMs: 1 },
    origin: createMemoryDevice({ size: 16 * MiB, fill: 7 }),
    guestRate: 20 * MB,
    migration: { throttle: true, maxBandwidth: 5 * MB },
    onEvent(event) {
      if (event.type === "converge" && event.step === "throttle") told.push(event.bytesPerSecond);
    },
  });
  assertMoved(ended);
  expect(Math.max(...told)).toBeLessThanOrEqual(5 * MB);
});

test("mirrored, its writes are at both ends before they are answered, and it ends", async () => {
  const ended = await outrun({ mirror: true }, (event, { migration }) => {
    if (event.type === "converge") expect(migration.statistics().mirroring).toBe(true);
  });
  assertMoved(ended);
  expect(stepsOf(ended)).toEqual(["mirror"]);
  expect(warningsOf(ended)).toEqual([]);
  expect(ended.control.map(({ what }) => what)).toContain("mirror");
  expect(ended.guest!.slowestMs, "it does not wait for all that could be read ahead").toBeLessThan(1000);
  expect(isLeftAlone(ended)).toBe(true);
});

test("where mirrored writes alone are more than the limit allows, it goes on until it is cancelled", async () => {
  const ended = await outrun({ mirror: true, downtimeLimit: 0 }, (event, { clock, cancel }) => {
    if (event.type === "converge") void clock.sleep(10_000).then(cancel);
  });
  expect(ended.end).toMatchObject({ code: "cancelled", guest: "running" });
  expect(isLeftAlone(ended)).toBe(true);
});

test("with both allowed it is throttled first", async () => {
  const ended = await outrun({ throttle: true, mirror: true });
  assertMoved(ended);
  expect(stepsOf(ended)[0]).toBe("throttle");
  expect(isLeftAlone(ended)).toBe(true);
});

test("with neither allowed it is said once that passes do not pay, and goes on until it is cancelled", async () => {
  const ended = await outrun(undefined, (_, { clock, cancel }) => {
    if (clock.now() > 60_000) cancel();
  });
  expect(ended.end).toMatchObject({ code: "cancelled", guest: "running" });
  expect(warningsOf(ended)).toEqual([expect.stringContaining("passes do not pay")]);
  expect(stepsOf(ended)).toEqual([]);
});

const strikes: Record<string, (paced: PacedSession) => void> = {
  cancelled: ({ cancel }) => cancel(),
  cut: ({ cut }) => cut(),
};

test.each([
  ["throttled", "cancelled"],
  ["throttled", "cut"],
  ["mirrored", "cancelled"],
  ["mirrored", "cut"],
])("a guest that is %s when its migration is %s is left alone", async (how, strike) => {
  let struck = false;
  const onEvent = (event: MigrationEvent, paced: PacedSession): void => {
    if (event.type !== "converge" || struck) return;
    struck = true;
    void paced.clock.sleep(500).then(() => strikes[strike]?.(paced));
    void paced.clock.sleep(60_000).then(() => paced.cancel());
  };
  const ended = await outrun({ throttle: how === "throttled", mirror: how === "mirrored" }, onEvent);
  expect(struck).toBe(true);
  if (strike === "cancelled") expect(ended.end).toMatchObject({ code: "cancelled", guest: "running" });
  if (strike === "cut") expect(ended.migration.statistics().reconnects).toBe(1);
  if (!(ended.end instanceof MigrationError)) expect(ended.same).toBe(true);
  expect(isLeftAlone(ended)).toBe(true);
});

test("a guest is left alone when its migration fails", async () => {
  const ended = await runPacedSession({
    wire: { bytesPerSecond: 5 * MB, latencyMs: 1 },
    origin: createMemoryDevice({ size: 16 * MiB, fill: 7 }),
    guestRate: 20 * MB,
    migration: {
      throttle: true,
      mirror: true,
      confirm: async () => {
        throw new Error("it changed");
      },
    },
  });
  expect(ended.end).toMatchObject({ code: "changed", guest: "running" });
  expect(stepsOf(ended)).not.toEqual([]);
  expect(isLeftAlone(ended)).toBe(true);
});
