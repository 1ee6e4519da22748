import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, expect, vi } from "vitest";

import { CONVERGED } from "./machine-disks.test-kit.ts";
import { type MachinePair, type MachinePairOptions, startMachinePair } from "./machine-pair.test-kit.ts";
import { QEMUS } from "./real-qemu.test-kit.ts";

/** Bytes a second: the memory takes some ten seconds. */
export const SLOW = 50_000;
export const PATIENCE = { timeout: 15_000, interval: 5 };

/** From each QEMU that is installed to itself, and to a later one. */
export const ROUTES = QEMUS.flatMap((from, at) =>
  QEMUS.slice(at).map((to) => ({ name: `${from.name} to ${to.name}`, qemus: [from, to] as const })),
);

/** Starts pairs that end with the test that has started them. */
export function usePairs(qemus: MachinePairOptions["qemus"]) {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-machine-"));
  const pairs: MachinePair[] = [];
  afterEach(async () => {
    await Promise.all(pairs.splice(0).map(async (pair) => pair.end()));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return async (options: Partial<MachinePairOptions> = {}): Promise<MachinePair> => {
    const pair = await startMachinePair({ folder, qemus, ...options });
    pairs.push(pair);
    return pair;
  };
}

export async function converged({ move }: MachinePair): Promise<void> {
  await vi.waitUntil(() => move.converges(CONVERGED), PATIENCE);
}

export async function migrationOf({ source }: MachinePair): Promise<unknown> {
  return ((await source.execute("query-migrate")) as { readonly status?: string }).status;
}

/** Its memory is under way. */
export async function sending({ move }: MachinePair): Promise<void> {
  await vi.waitUntil(() => move.converges(CONVERGED) || (move.figures?.transferred ?? 0) > 0, PATIENCE);
}

export async function held(pair: MachinePair): Promise<void> {
  await converged(pair);
  expect(await pair.move.guest.pause()).toBeUndefined();
  expect(await pair.guests()).toEqual(["finish-migrate", "inmigrate"]);
}

/** It goes on here, and only here, as if nothing had been. */
export async function assertUntouched(pair: MachinePair, before: string): Promise<void> {
  await pair.move.close();
  expect(await pair.settings()).toBe(before);
  expect([...pair.live.marks]).toEqual([]);
  const [here, there] = await pair.guests();
  expect(here).toBe("running");
  expect(there).not.toBe("running");
  expect(pair.move.downtime).toBeUndefined();
}
