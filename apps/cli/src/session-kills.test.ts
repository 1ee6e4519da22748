import { expect, it } from "vitest";

import { haltAt } from "./halt.test-kit.ts";
import { describeKill, type Kill, planKill } from "./kills.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";
import { createMove, type Move } from "./session-move.test-kit.ts";
import { tell } from "./strikes.test-kit.ts";

const KILLS = Number(process.env["BLKMIG_KILLS"] ?? 24);
const FIRST = Number(process.env["BLKMIG_SEED"] ?? 0);
const SIZE = 24 * MIB + 512;

/** How many were really killed: a process may have ended first. */
let landed = 0;

interface Struck {
  readonly move: Move;
  /** It was killed: it had not ended before. */
  readonly isReal: boolean;
}

async function strike({ victim, wire, when, flying, target, options }: Kill, seed: number): Promise<Struck> {
  const halt = "role" in when ? undefined : haltAt(when);
  const move = await createMove({ wire, target, size: SIZE, seed, options, ...(halt && { watch: halt.watch }) });
  await move.receive();
  const sender = move.send();
  const isTime = "role" in when ? move.records.until((states) => states[when.role] === when.state) : halt!.reached;
  await Promise.race([isTime, sender.ended]);
  const { signal } = await move.kill(victim);
  const isReal = signal === "SIGKILL";
  if (isReal) landed++;
  if (flying === "lost") move.relay.cut();
  halt?.release();
  return { move, isReal };
}

const kills = Array.from({ length: KILLS }, (_, number) => [FIRST + number, planKill(FIRST + number)] as const);

it.for(kills.map(([number, kill]) => [number, describeKill(kill), kill] as const))(
  "kill %i: %s",
  async ([number, , kill], { task }) => {
    const { move, isReal } = await strike(kill, number);
    const ended = await move.finish();
    const { sender, receiver } = move.starts;
    const again = [sender > 1 ? ["sender"] : [], receiver > 1 ? ["receiver"] : []].flat().join(" and ");
    tell(task, { struck: isReal ? ["killed"] : [], ended: again === "" ? "moved" : `moved (${again} started again)` });
    for (const role of ["sender", "receiver"] as const) {
      const { code, signal, stderr } = ended[role];
      // Killed when all was decided and told, nobody has to be started again.
      const isOver = role === kill.victim && signal === "SIGKILL" && move.starts[role] === 1;
      // Nobody came to it any more, and it was told to end: where it had nothing to do, or was ending anyway.
      const isNeedless = role === "receiver" && (signal === "SIGTERM" || (code === 130 && move.starts.receiver > 1));
      const isWell = code === 0 || isOver || isNeedless;
      expect(isWell, `the ${role} ended with ${code ?? signal}: ${stderr}`).toBe(true);
    }
    await move.expectWell();
  },
);

it("nearly all of them were real", () => {
  expect(landed).toBeGreaterThanOrEqual(Math.ceil((KILLS * 5) / 6));
});
