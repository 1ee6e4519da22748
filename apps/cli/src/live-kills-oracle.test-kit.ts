import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { guestSlots, SIZE } from "./live-kills-guests.test-kit.ts";
import type { Decided } from "./live-kills-operator.test-kit.ts";
import type { Past, Stage } from "./live-kills-stage.test-kit.ts";
import { RECORD_BYTES } from "./live/checked-writes.test-kit.ts";

/** What each process may end with. A receiver that only waited is cancelled by its SIGTERM. */
const CODES: Readonly<Record<Past["role"], readonly number[]>> = {
  serve: [0, 3, 4],
  receive: [0, 1, 3, 4],
  send: [0, 1, 3, 4],
  operator: [0, 1, 3, 4],
};

/**
 * A sentence for everything that is wrong with the disks when everybody has ended. `sinceMoved`: the sources, as they were when
 * they were seen to have moved.
 */
export async function wrongsOf(
  stage: Stage,
  decided: Decided,
  sinceMoved: Promise<readonly string[]>,
): Promise<readonly string[]> {
  const hasMoved = decided === "moved";
  const { records, plan, paths, early, past } = stage;
  const { source, target } = records.now;
  // That what is committed is equal is no law here: the owner's own clients may have written by then.
  const wrongs = records.wrongs.filter((wrong) => /record says/.test(wrong));
  if (hasMoved ? source !== "moved" || target !== "committed" : source !== "kept" || target === "committed") {
    wrongs.push(`it was ${decided}, and the records say ${source} and ${target}`);
  }
  const loser = await stage.refuses(hasMoved ? "source" : "target");
  if (loser?.code !== 3) wrongs.push("who has lost the disk serves it");
  if (hasMoved && hashesOf(stage).join() !== (await sinceMoved).join()) wrongs.push("what was left behind has changed");
  if (!hasMoved && past.some(({ role, code }) => code === 0 && (role === "send" || role === "receive"))) {
    wrongs.push("somebody said that it was committed");
  }
  if (!hasMoved && early && early.acknowledged > 0) wrongs.push("who never had the disk has answered");
  for (const [index, disk] of plan.disks.entries()) {
    const bytes = readFileSync(paths(disk)[hasMoved ? "target" : "source"]);
    const lost = stage.guestsOf(disk).flatMap((guest) => guest.wrongIn(bytes));
    const others = othersIn(bytes, stage.begun[index]!).map((slot) => `slot ${slot}: not as it was in the beginning`);
    wrongs.push(...[...lost, ...others].map((wrong) => `disk '${disk}': ${wrong}`));
  }
  return [...wrongs, ...past.flatMap(wrongEndOf)];
}

function wrongEndOf(past: Past): readonly string[] {
  const { role, code, stderr, args } = past;
  const isLoud = /this is a bug|^ {4}at /m.test(stderr);
  return isLoud || !isDocumented(past) ? [`${role} ended with ${code}: ${args.join(" ")}: ${stderr}`] : [];
}

export function hashesOf({ plan, paths }: Pick<Stage, "plan" | "paths">): readonly string[] {
  return plan.disks.map((disk) =>
    createHash("sha256")
      .update(readFileSync(paths(disk).source))
      .digest("hex"),
  );
}

/** Slots that no guest has, and that are not as they were in the beginning. */
function othersIn(bytes: Buffer, begun: Buffer): readonly number[] {
  const all = Array.from({ length: SIZE / RECORD_BYTES }, (_, slot) => slot);
  return all.filter((slot) => {
    const [from, to] = [slot * RECORD_BYTES, (slot + 1) * RECORD_BYTES];
    return !guestSlots.has(slot) && !bytes.subarray(from, to).equals(begun.subarray(from, to));
  });
}

function isDocumented({ role, code, sent }: Past): boolean {
  if (code === null) return sent === "SIGKILL";
  if (role === "receive" && sent === "SIGTERM" && code === 130) return true;
  return CODES[role].includes(code);
}
