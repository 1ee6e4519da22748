import { setTimeout as wait } from "node:timers/promises";

import { expect, it } from "vitest";

import { expectWellLeft } from "./live-kills-leavings.test-kit.ts";
import { type Decided, ensureOwner, mend, visitOld } from "./live-kills-operator.test-kit.ts";
import { hashesOf, wrongsOf } from "./live-kills-oracle.test-kit.ts";
import { describeLife, planLife, type Victim } from "./live-kills-plan.test-kit.ts";
import { createStage, type Stage, within } from "./live-kills-stage.test-kit.ts";
import type { Running } from "./run-blkmig.test-kit.ts";
import { tell } from "./strikes.test-kit.ts";

const LIVES = Number(process.env["BLKMIG_KILLS"] ?? 12);
const FIRST = Number(process.env["BLKMIG_SEED"] ?? 0);
/** Of each guest's, so that it is seen to be well. */
const SOME = 20;

/** How many lives had a process killed, or a wire cut, in the middle. */
let landed = 0;

const lives = Array.from({ length: LIVES }, (_, number) => planLife(FIRST + number));

it.for(lives.map((plan) => [plan.seed, describeLife(plan), plan] as const))(
  "life %i: %s",
  { timeout: 300_000 },
  async ([, , plan], { task }) => {
    const stage = await createStage(plan);
    try {
      const struck: string[] = [];
      const { decided, wrongs } = await live(stage, struck);
      tell(task, { struck, ended: decided });
      expect(wrongs).toEqual([]);
      await expectWellLeft(stage, decided);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${stage.log.join("\n")}`, {
        cause: error,
      });
    }
  },
);

it("nearly all of them were real", () => {
  expect(landed).toBeGreaterThanOrEqual(Math.ceil((LIVES * 3) / 4));
});

interface End {
  readonly decided: Decided;
  /** With the disks, in sentences. */
  readonly wrongs: readonly string[];
}

async function live(stage: Stage, struck: string[]): Promise<End> {
  const { records, guests, early } = stage;
  const sinceMoved = records.until(({ source }) => source === "moved").then(() => hashesOf(stage));
  expect(await stage.serve()).toBe(undefined);
  expect(await stage.receive()).toBe(undefined);
  await within(Promise.all(guests.map((guest) => guest.more(SOME))), "until the guests have begun");
  await moment(stage, stage.send());
  const troubles = strike(stage, struck);
  const decided = await mend(stage);
  await troubles;
  if (decided === "moved") await ensureOwner(stage);
  await visitOld(stage, decided);

  const served = early && decided === "moved" ? [...guests, early] : guests;
  await within(Promise.all(served.map((guest) => guest.more(SOME))), "until the guests go on");
  await within(Promise.all(served.map((guest) => guest.stop())), "until the guests have stopped");
  const old = await stage.terminate("serve");
  if (old) expect(old).toMatchObject({ code: 0 });
  const there = await stage.terminate("receive");
  if (there && decided === "moved") expect(there).toMatchObject({ code: 0 });
  if (early) await within(early.stop(), "until the early guest is hung up on");
  return { decided, wrongs: await wrongsOf(stage, decided, sinceMoved) };
}

async function moment({ plan, records, halt, guests }: Stage, sending: Running): Promise<void> {
  const { when, delay } = plan;
  const ended = sending.ended.then(() => undefined);
  const comes = async (): Promise<unknown> => {
    switch (when.is) {
      case "place":
        return halt!.reached;
      case "record":
        return records.until((states) => states[when.role] === when.state);
      case "event":
        return sending.until(({ event, phase }) => event === when.event || phase === when.event).catch(() => {}); // it ended without
      case "later":
        await ended;
        return Promise.race([Promise.all(guests.map((guest) => guest.more(when.records))), wait(1000)]);
    }
  };
  const isOver = when.is === "later" ? [] : [ended];
  await within(Promise.race([comes(), ...isOver]), "until the moment comes");
  if (delay > 0) await wait(delay);
}

/** Settles when no more is to come. What really struck is put into `struck`. */
function strike(stage: Stage, struck: string[]): Promise<unknown> {
  const { victims, flying, later } = stage.plan;
  const strikeOne = async (victim: Victim): Promise<void> => {
    if (await stage.strike(victim)) struck.push(victim === "wire" || victim === "link" ? "cut" : "killed");
  };
  const now = async (): Promise<void> => {
    await Promise.all(victims.map(strikeOne));
    if (struck.length > 0) landed++;
    if (flying === "lost") stage.wire.cut();
    stage.halt?.release();
  };
  const begun = now();
  return Promise.all([
    begun,
    ...later.map(async ({ after, victim }) => {
      await begun;
      await wait(after);
      await strikeOne(victim);
    }),
  ]);
}
