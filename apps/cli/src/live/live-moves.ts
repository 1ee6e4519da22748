import { resolveSource } from "@blkmig/journal";

import { CommandError } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import { endingOf } from "../exit-code.ts";
import { chooseDisks } from "./choose-disks.ts";
import type { Handover } from "./handover.ts";
import type { LiveServer, LiveStatus, MoveHooks, MoveOptions, MoveResult } from "./live-contract.ts";
import type { LiveDisk } from "./live-disk.ts";
import { createLiveMove, type LiveMove, type LiveMoveParts } from "./live-move.ts";
import { viewMove } from "./live-status.ts";

/** The migrations of one server: one at a time, and what earlier ones have left in doubt. */
export interface LiveMoves extends Pick<LiveServer, "move" | "cancel" | "setLimits" | "resolve"> {
  /** The one that runs, or the last one. */
  readonly status: LiveStatus["migration"];
  /** Begins no more; cancels the one that runs, if it may be, and waits for it, and for all that is under way. */
  stop(): Promise<void>;
  /** What is still not known. */
  readonly inDoubt: InDoubt | undefined;
}

/** A migration of which nobody knows, yet, whether it was committed. */
interface Doubt {
  readonly disks: readonly LiveDisk[];
  readonly handover: Handover;
  readonly error: InDoubt;
}

export interface LiveMovesParts extends Omit<LiveMoveParts, "options" | "hooks" | "earlier"> {
  /** All that are served. */
  readonly disks: readonly LiveDisk[];
}

export function createLiveMoves(parts: LiveMovesParts): LiveMoves {
  const { disks } = parts;
  const doubts = new Map<string, Doubt>();
  /** Of which something is being decided: by one at a time, or one would record what the other has just undone. */
  const busy = new Set<LiveDisk>();
  let current: LiveMove | undefined;
  let last: LiveStatus["migration"];
  let isStopped = false;
  /** What nobody here waits for, and the server's end does. */
  let underWay: Promise<unknown> = Promise.resolve();

  const alongside = <T>(work: Promise<T>): Promise<T> => {
    underWay = Promise.allSettled([underWay, work]);
    return work;
  };

  const deciding = async <T>(decided: readonly LiveDisk[], decide: () => Promise<T>): Promise<T> => {
    const disk = decided.find((each) => busy.has(each));
    if (disk) refuse(`it is being decided what becomes of disk '${disk.name}'`);
    for (const each of decided) busy.add(each);
    try {
      return await decide();
    } finally {
      for (const each of decided) busy.delete(each);
    }
  };

  const run = async (move: LiveMove): Promise<MoveResult> => {
    current = move;
    try {
      const result = await move.run();
      last = viewMove(move, { ended: "completed" });
      doubts.delete(result.migration);
      return result;
    } catch (error) {
      const { event, message } = endingOf(error);
      last = viewMove(move, { ended: event, message }) ?? last;
      const { id, disks: moved, handover } = move;
      // One that could not even begin to ask again leaves what it was to go on with.
      if (error instanceof InDoubt && handover) doubts.set(error.migration, { disks: moved, handover, error });
      else if (!(error instanceof InDoubt) && id !== undefined) doubts.delete(id);
      throw error;
    } finally {
      current = undefined;
    }
  };

  const begin = async (options: MoveOptions, hooks: MoveHooks): Promise<MoveResult> => {
    if (isStopped) refuse("the server is ending");
    if (current)
      refuse(
        `a migration to ${current.to} runs already, one at a time: wait for its end, or end it by \`blkmig cancel\``,
      );
    const chosen = chooseDisks(disks, options.disks, options.session.resume);
    const earlier = [...doubts.values()].find((doubt) => doubt.disks.some((disk) => chosen.includes(disk)))?.handover;
    return deciding(chosen, () => run(createLiveMove({ ...parts, disks: chosen, options, hooks, earlier })));
  };

  const resolve = async (migration: string, verdict: "keep" | "gone"): Promise<void> => {
    const { disks: left, handover } = doubts.get(migration) ?? refuse(`migration ${migration} is not in doubt here`);
    await deciding(left, async () => {
      await resolveSource(left[0]!.parts.place.path, { migration, state: verdict === "keep" ? "kept" : "moved" });
      doubts.delete(migration);
      if (verdict === "keep") return handover.kept();
      for (const disk of left) disk.become({ do: "commit" });
      // Whoever resolves is not kept waiting until the new owner is there: the clients are.
      void alongside(handover.recorded("moved"));
    });
  };

  return {
    move: (options, hooks) => alongside(begin(options, hooks)),
    cancel() {
      current?.cancel();
      return current !== undefined;
    },
    setLimits({ maxBandwidth, downtimeLimit }) {
      const move = current ?? refuse("no migration runs");
      if (maxBandwidth !== undefined) move.setMaxBandwidth(maxBandwidth ?? undefined);
      if (downtimeLimit !== undefined) move.setDowntimeLimit(downtimeLimit);
    },
    resolve: (migration, verdict) => alongside(resolve(migration, verdict)),
    get status() {
      return (current && viewMove(current, {})) ?? last;
    },
    async stop() {
      isStopped = true;
      current?.cancel();
      // A resolve may have begun to pass clients on meanwhile.
      for (let waited: unknown; waited !== underWay;) {
        waited = underWay;
        await underWay;
      }
    },
    get inDoubt() {
      const [first] = doubts.values();
      return first?.error;
    },
  };
}

function refuse(message: string): never {
  throw new CommandError("refused", message);
}
