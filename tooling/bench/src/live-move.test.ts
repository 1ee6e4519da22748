import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, it, onTestFinished } from "vitest";

import { measureLiveMove } from "./live-move.ts";
import { makeDisk } from "./make-disk.ts";

const BYTES = 16 * 1024 * 1024;

it("moves a disk under a writer, whose writes are found again, and leaves the disk alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-live-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const disk = makeDisk(join(folder, "live.img"), BYTES);
  const move = { folder, disk, bytes: BYTES, serve: [], send: [], patienceMs: 15_000 };

  const { wireBytes, extra } = await measureLiveMove({ ...move, bytesPerSecond: 1e6 });
  expect(extra).toMatchObject({ moved: 1, checked: 1000 });
  expect(extra!["resentBytes"]).toBe(wireBytes! - BYTES);
  expect(extra!["downtimeMs"]).toBeGreaterThanOrEqual(0);
  for (const name of ["idleRate", "bulkRate", "p99IdleMs", "p99Ms"]) expect(extra![name], name).toBeGreaterThan(0);
  expect(readdirSync(folder)).toEqual(["live.img"]);
});

it("calls off a move that finds no end, and the writer finds its writes where it was", async () => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-live-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const disk = makeDisk(join(folder, "live.img"), BYTES);
  const move = { folder, disk, bytes: BYTES, serve: [], send: ["--max-bandwidth", "100K"], patienceMs: 1000 };

  const { extra } = await measureLiveMove({ ...move, bytesPerSecond: 1e6 });
  expect(extra).toMatchObject({ moved: 0, checked: 1000 });
  expect(extra).not.toHaveProperty("downtimeMs");
});
