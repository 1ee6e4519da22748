import { createMemoryDevice } from "@blkmig/device";
import { expect, it } from "vitest";

import { endingOf } from "../exit-code.ts";
import type { Output } from "../output/output.ts";
import { formatFamilies } from "./exposition.ts";
import { createMigrationMetrics } from "./migration-metrics.ts";
import { parseMetrics } from "./parse-metrics.ts";
import { readExposition } from "./read-exposition.test-kit.ts";
import { createRequestMetrics } from "./request-metrics.ts";

const nothing = (): void => {};
const output: Output = {
  say: nothing,
  warn: nothing,
  event: nothing,
  progress: nothing,
  ended: nothing,
  endProgress: nothing,
  debug: nothing,
  flush: async () => {},
};
const progress = { phase: "bulk", done: 0, total: 10, rate: 0 };

it("a disk's name may be anything, and metrics of which nothing is known are left out", () => {
  const samples = [{ labels: { disk: 'a"b\\c\nd' }, value: 1 }];
  const text = formatFamilies([
    { name: "one", help: "One.", type: "gauge", samples },
    { name: "two", help: "Two.", type: "gauge", samples: [] },
  ]);
  expect([...readExposition(text)]).toEqual([['one{disk="a\\"b\\\\c\\nd"}', 1]]);
});

it("counters go on from one migration to the next, and what is of one begins anew", () => {
  const metrics = createMigrationMetrics();
  const told = metrics.watch(output);
  const read = (): ReadonlyMap<string, number> => readExposition(formatFamilies(metrics.families()));
  expect(read().get("blkmig_migration_running")).toBe(0);
  told.progress(progress, { phase: "bulk", transferred: 700, remaining: 5, "expected-downtime": 40 });
  expect(read().get('blkmig_phase{phase="bulk"}')).toBe(1);
  expect(read().get("blkmig_expected_downtime_seconds")).toBe(0.04);
  told.event("reconnect", { connected: false });
  told.event("reconnect", { connected: true });
  told.ended(endingOf(new Error("no")));
  expect(read().get('blkmig_phase{phase="bulk"}')).toBe(0);
  expect(read().get("blkmig_remaining_bytes")).toBe(5);
  told.progress(progress, { phase: "setup", transferred: 10 });
  expect(read().get("blkmig_remaining_bytes")).toBeUndefined();
  told.progress(progress, { phase: "bulk", transferred: 4 });
  told.event("completed", { transferred: 20, downtime: 12 });
  const last = read();
  expect(last.get("blkmig_transferred_bytes_total")).toBe(730);
  expect(last.get("blkmig_reconnects_total")).toBe(1);
  expect(last.get("blkmig_downtime_seconds")).toBe(0.012);
  expect(last.get('blkmig_migrations_total{result="failed"}')).toBe(1);
  expect(last.get('blkmig_migrations_total{result="completed"}')).toBe(1);
});

it("what is asked of a disk is counted and timed, what fails as well, and the disk does the same", async () => {
  const metrics = createRequestMetrics();
  const device = metrics.meter(createMemoryDevice({ size: 4096 }));
  await device.write(0, [new Uint8Array(100).fill(7), new Uint8Array(12).fill(8)]);
  const into = new Uint8Array(512);
  await device.read(0, into);
  await device.flush();
  await expect(device.read(4000, into)).rejects.toThrow(RangeError);
  expect([into[0], into[111], into[112]]).toEqual([7, 8, 0]);
  const read = readExposition(formatFamilies(metrics.families()));
  expect(read.get('blkmig_nbd_bytes_total{op="write"}')).toBe(112);
  expect(read.get('blkmig_nbd_bytes_total{op="read"}')).toBe(512);
  expect(read.get('blkmig_nbd_requests_total{op="read"}')).toBe(2);
  expect(read.get('blkmig_nbd_failed_requests_total{op="read"}')).toBe(1);
  expect(read.get('blkmig_nbd_request_duration_seconds_count{op="flush"}')).toBe(1);
});

it.each([
  ["http://127.0.0.1:9469/metrics", { kind: "tcp", host: "127.0.0.1", port: 9469 }],
  ["http://localhost", { kind: "tcp", host: "localhost", port: 9469 }],
  ["http://[::1]:80/", { kind: "tcp", host: "::1", port: 80 }],
  ["unix:///run/a%20b", { kind: "unix", path: "/run/a b" }],
])("%s is understood", (text, place) => expect(parseMetrics(text, { insecure: false })).toEqual(place));

it.each(["https://127.0.0.1/metrics", "http://127.0.0.1/other", "http://a:b@127.0.0.1/", "unix://path", "9469"])(
  "%s is no place for metrics",
  (text) => expect(() => parseMetrics(text, { insecure: true })).toThrow(/neither http:/),
);

it("clear text to other machines is refused, unless it is allowed", () => {
  expect(() => parseMetrics("http://0.0.0.0:1", { insecure: false })).toThrow(/say --insecure/);
  expect(parseMetrics("http://0.0.0.0:1", { insecure: true })).toMatchObject({ host: "0.0.0.0" });
});
