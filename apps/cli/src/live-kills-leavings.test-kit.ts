import { dirname, join } from "node:path";

import type { Decided } from "./live-kills-operator.test-kit.ts";
import { type Past, type Stage, within } from "./live-kills-stage.test-kit.ts";
import { expectNextRun } from "./next-run.test-kit.ts";
import { expectNothingLeft } from "./nothing-left-behind.test-kit.ts";

/** Everybody has been told to end: throws if anything is left behind, or if the disks cannot be moved on from their owner. */
export async function expectWellLeft(stage: Stage, decided: Decided): Promise<void> {
  const { plan, paths, running } = stage;
  const sending = running("send");
  if (sending) await within(sending.ended, "until the send has ended too");
  const disks = plan.disks.flatMap((disk) => Object.values(paths(disk)));
  await expectNothingLeft({ folders: [...new Set(disks.map(dirname))], disks, mayStay: whatMayStay(stage) });
  const owned = decided === "moved" ? "target" : "source";
  await expectNextRun(Object.fromEntries(plan.disks.map((disk) => [disk, paths(disk)[owned]])));
}

/** Nobody takes along what he has when he is killed; who listens there next, or records something, does. */
function whatMayStay({ plan, paths, past }: Stage): readonly string[] {
  const { source, target } = paths(plan.disks[0]!);
  const [here, there] = [source, target].map((disk) => (name: string) => join(dirname(disk), name));
  const records = (which: "source" | "target") => plan.disks.map((disk) => `${paths(disk)[which]}.blkmig.new`);
  const relays = [here!("wire"), here!("link")];
  const old = wasKilled(past.filter(({ role }) => role === "serve"));
  const owner = wasKilled(past.filter(({ role }) => role === "receive"));
  const receiver = wasKilled(past.filter(({ args }) => args[0] === "receive"));
  return [
    ...relays,
    ...(old ? [here!("nbd"), here!("control"), ...records("source")] : []),
    ...(owner ? [there!("nbd"), there!("control"), ...records("target")] : []),
    ...(receiver ? [there!("receive")] : []),
  ];
}

/** The last of them that was up: who is refused before he listens touches nothing. */
function wasKilled(past: readonly Past[]): boolean {
  const last = past.findLast(({ events }) => events.some(({ event }) => event === "serving" || event === "listening"));
  return last?.sent === "SIGKILL" && last.code === null;
}
