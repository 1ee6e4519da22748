import { expect, test } from "vitest";

import { createMeter } from "./meter.ts";
import { createPacer } from "./pacer.ts";

const clockAt = (start: number) => {
  let now = start;
  return { now: () => now, sleep: async () => {}, pass: (ms: number) => void (now += ms) };
};

test("a pacer that is obeyed lets through its rate, whatever the pieces", () => {
  for (const piece of [100, 65_536, 1_048_600]) {
    const clock = clockAt(12_345);
    const pacer = createPacer(clock, 1_000_000, 1);
    let sent = 0;
    for (const start = clock.now(); clock.now() - start < 600_000;) {
      let slice = 0;
      for (; slice < pacer.slice; slice += piece);
      sent += slice;
      clock.pass(pacer.spend(slice));
    }
    expect(sent / 600_000_000).toBeCloseTo(1, 1);
  }
});

test("silence is not saved up for a burst", () => {
  const clock = clockAt(0);
  const pacer = createPacer(clock, 1000, 1);
  clock.pass(60_000);
  expect(pacer.spend(1000)).toBeGreaterThanOrEqual(900);
});

test("a new rate counts at once", () => {
  const clock = clockAt(0);
  const pacer = createPacer(clock, 1, 64);
  expect(pacer.spend(1000)).toBeGreaterThan(900_000);
  pacer.setRate(1_000_000);
  expect(pacer.spend(1000)).toBeLessThan(2);
  pacer.setRate(undefined);
  expect(pacer.spend(1e12)).toBe(0);
  expect(pacer.slice).toBe(64);
});

test("a meter counts time with work only", () => {
  const clock = clockAt(0);
  const meter = createMeter(clock);
  expect(meter.rate).toBeUndefined();
  meter.begin();
  clock.pass(50);
  meter.begin();
  clock.pass(50);
  meter.end(500);
  meter.end(500);
  clock.pass(100_000);
  expect(meter.rate).toBe(10_000);
});

test("a meter with a memory follows what changes", () => {
  const clock = clockAt(0);
  const meter = createMeter(clock, 1000);
  const work = (ms: number, bytes: number): void => {
    meter.begin();
    clock.pass(ms);
    meter.end(bytes);
  };
  for (let i = 0; i < 100; i++) work(100, 1000);
  expect(meter.rate).toBeCloseTo(10_000, 0);
  for (let i = 0; i < 100; i++) work(100, 100);
  expect(meter.rate).toBeCloseTo(1000, -1);
});
