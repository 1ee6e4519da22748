import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

import { openNbd, parseNbdUrl } from "@blkmig/nbd";
import { expect } from "vitest";

import { type Stage, within } from "./live-kills-stage.test-kit.ts";

/** How often something may have to be started again. */
const TRIES = 14;
const LOOK_EVERY_MS = 50;

/** Where the disks' owner is: at the target, or still at the source. */
export type Decided = "moved" | "kept";

/** Starts again what is not there, as the documents say, until it is decided whose the disks are. */
export async function mend(stage: Stage): Promise<Decided> {
  const { records } = stage;
  for (let tries = 0; tries < TRIES; tries++) {
    const { source, target } = records.now;
    if (source === "moved" && target === "committed") return "moved";
    if (await hasEndedByHand(stage)) return records.now.source === "moved" ? "moved" : "kept";
    await step(stage, source);
  }
  throw new Error(`it does not come to an end: ${JSON.stringify(records.now)}`);
}

async function step(stage: Stage, source: string): Promise<void> {
  if (!stage.running("receive")) await stage.receive("--resume");
  if (!stage.running("serve")) {
    // Whoever starts services again does not know of doubts: nothing is served then.
    if (source === "asked") {
      const refused = await stage.serve();
      // The next strike may have hit it first.
      if (refused?.signal !== "SIGKILL")
        expect(refused).toMatchObject({ code: 3, stderr: expect.stringMatching(/in doubt/) });
    }
    if (source === "asked" || stage.plan.operator === "offline") return sendOffline(stage);
    await stage.serve();
    return;
  }
  if (!(await isMoving(stage))) stage.send("--resume");
  await untilEnded(stage);
  // Killed before its first record, a sender forgets the migration that the receiver waits for.
  if (stage.records.now.source === "none") await stage.strike("receive");
}

async function sendOffline(stage: Stage): Promise<void> {
  const { plan, paths, wire } = stage;
  const disks = plan.disks.flatMap((disk) => ["--disk", `${disk}=${paths(disk).source}`]);
  // A receiver that is struck meanwhile is started again when this has ended.
  await stage.command("send", wire.url, ...disks, "--resume", "--reconnect-for", "3s");
  if (stage.records.now.source === "none") await stage.strike("receive");
}

/** Where both records allow it, and nobody asks any more. */
async function hasEndedByHand(stage: Stage): Promise<boolean> {
  const { plan, records, paths, control } = stage;
  const { operator, disks } = plan;
  if ((operator !== "commits" && operator !== "aborts") || records.now.source !== "asked") return false;
  const isServed = stage.running("serve") !== undefined;
  if (isServed && (await isMoving(stage))) return false;
  await stage.terminate("receive"); // it may still learn the outcome by itself: stop it first
  const { source, target } = paths(disks[0]!);
  const { migration, resolve } = await statusOf(stage, "--source", source);
  expect(resolve).toHaveLength(2);
  const there = await statusOf(stage, "--target", target);
  expect(there["migration"]).toBe(migration);
  const isTheirs = records.now.target === "committed" || (records.now.target === "sealed" && operator === "commits");
  if (records.now.target === "sealed") {
    const verdict = isTheirs ? "--commit" : "--abort";
    expect(await stage.command("resolve", "--target", target, verdict, String(migration))).toMatchObject({ code: 0 });
  }
  const at = isServed && stage.running("serve") ? control : source;
  const ended = await stage.command("resolve", "--source", at, isTheirs ? "--gone" : "--keep", String(migration));
  if (ended.code === 0) return true;
  // Its server was struck just then: nothing is decided, and the next look finds it so.
  expect(ended.code).toBe(3);
  return false;
}

async function statusOf(stage: Stage, ...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { events } = await stage.command("status", ...words);
  return events[0]!;
}

/** Whether the server is at it, whoever asked for it. */
async function isMoving(stage: Stage): Promise<boolean> {
  const status = await stage.status();
  const migration = status?.["migration"] as { readonly ended?: string } | undefined;
  return migration !== undefined && migration.ended === undefined;
}

/** However its migration ends, also by the death of whoever is in it. A receiver that died is started again meanwhile. */
async function untilEnded(stage: Stage): Promise<void> {
  const { operator } = stage.plan;
  const sending = stage.running("send");
  const isOver = async (): Promise<boolean> => {
    if (sending !== undefined && stage.running("send") === sending) return false;
    return !stage.running("serve") || !(await isMoving(stage));
  };
  const end = async (): Promise<void> => {
    while (!(await isOver())) {
      const { source } = stage.records.now;
      const isByHand = source === "asked" && (operator === "commits" || operator === "aborts");
      if (!stage.running("receive") && source !== "moved" && !isByHand) await stage.receive("--resume");
      await wait(LOOK_EVERY_MS);
    }
  };
  await within(end(), "until the migration has ended");
}

/** Sees to it that the disks' new owner answers. */
export async function ensureOwner(stage: Stage): Promise<void> {
  const url = stage.urls(stage.plan.disks[0]!).owner;
  if (stage.running("receive") && (await answers(url))) return;
  // A receiver that was started again when its sender knew already waits for nobody.
  await stage.terminate("receive");
  expect(await stage.serveTarget()).toBe(undefined);
  expect(await answers(url)).toBe(true);
}

async function answers(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(20_000);
  const disk = await openNbd(parseNbdUrl(url), { reconnectFor: 0, connections: 1, signal }).catch(() => undefined);
  if (!disk) return false;
  const read = disk.read(0, new Uint8Array(512)).then(
    () => true,
    () => false,
  );
  const isRead = await Promise.race([read, wait(20_000, false)]);
  void disk.close().catch(() => {}); // one that holds us lets go when it ends
  return isRead;
}

/** The old server passes its clients on, or is refused, or was told to let them go: they find the disks, or are told where. */
export async function visitOld(stage: Stage, decided: Decided): Promise<void> {
  const { plan, paths } = stage;
  const { serve } = JSON.parse(readFileSync(`${paths(plan.disks[0]!).source}.blkmig`, "utf8")) as {
    readonly serve?: string;
  };
  if (decided === "kept" || serve !== undefined) {
    if (!stage.running("serve")) expect(await stage.serve()).toBe(undefined);
    return;
  }
  const serving = stage.running("serve");
  if (serving && plan.after === "close") {
    expect(await within(serving.ended, "until a server ends that has no disk")).toMatchObject({ code: 0 });
  }
  if (serving && plan.after !== "close") expect(await stage.terminate("serve")).toMatchObject({ code: 0 });
  expect(await stage.serve()).toMatchObject({ code: 3, stderr: expect.stringMatching(/has moved/) });
  stage.turnAll();
}
