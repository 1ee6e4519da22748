import { expect, it } from "vitest";

import { haltAt } from "./halt.test-kit.ts";
import { MIB, sameFiles } from "./make-disks.test-kit.ts";
import type { Relay, Watch } from "./relay.test-kit.ts";
import { refusal, refused } from "./run-blkmig.test-kit.ts";
import { createMove, type Move } from "./session-move.test-kit.ts";

const SIZE = 4 * MIB;

type Edge = "before" | "after";

/** A wire that breaks `times` times: before the receiver's greeting arrives, or at the first bytes that follow it. */
function breaking(edge: Edge, times = Infinity) {
  const trouble = { left: times, relay: undefined as Relay | undefined };
  let isGreeted = false;
  const cut = (): void => {
    isGreeted = false;
    trouble.left--;
    trouble.relay?.cut();
  };
  const watch: Watch = (way, chunk) => {
    const isGreeting = way === "back" && chunk.includes('"say":"welcome"');
    const isTime = edge === "before" ? isGreeting : way === "there" && isGreeted;
    if (trouble.left > 0 && isTime) {
      cut();
      return [];
    }
    isGreeted ||= isGreeting;
    return [chunk];
  };
  return { watch, trouble };
}

/** A sender was killed in the middle: its migration is on record at both ends, and the next one's wire breaks. */
async function startKilled(edge: Edge, times?: number): Promise<Move & { readonly mend: () => void }> {
  const halt = haltAt({ way: "there", byte: MIB });
  const { watch, trouble } = breaking(edge, times);
  let now = halt.watch;
  const passing: Watch = (...chunk) => now(...chunk);
  const move = await createMove({ wire: "tcp", target: "garbage", size: SIZE, seed: 7, watch: passing });
  await move.receive();
  move.send();
  await halt.reached;
  await move.kill("sender");
  move.relay.cut();
  now = watch;
  trouble.relay = move.relay;
  halt.release();
  return { ...move, mend: () => void (trouble.left = 0) };
}

it.each(["before", "after"] as const)(
  "a wire that breaks three times %s the greeting does not end a sender that resumes",
  async (edge) => {
    const move = await startKilled(edge, 3);
    const sender = move.send("--resume");
    const { code, stderr, events } = await sender.ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(events.filter(({ event }) => event === "reconnect").length).toBeGreaterThanOrEqual(3);
    expect((await move.ended("receiver")).code).toBe(0);
    expect(sameFiles(move.source, move.target)).toBe(true);
  },
);

it.each([
  ["before", "0ms", 3, /the wire broke/],
  ["before", "300ms", 3, /the wire broke/],
  ["after", "0ms", 1, /breaks before it is of use/],
  ["after", "300ms", 1, /breaks before it is of use/],
] as const)(
  "a wire that always breaks %s the greeting is given up after %s, and the next --resume goes on",
  async (edge, time, code, sentence) => {
    const move = await startKilled(edge);
    expect(refusal(await move.send("--resume", "--reconnect-for", time).ended)).toEqual(refused(code, sentence));
    expect(sameFiles(move.source, move.target)).toBe(false);
    move.mend();
    const ended = await move.finish();
    expect([ended.sender.code, ended.receiver.code]).toEqual([0, 0]);
    expect(sameFiles(move.source, move.target)).toBe(true);
  },
);
