import type { Clock } from "@blkmig/device";

import { afterEvent, afterStatus, isUnderWay, type MachineState, type Move } from "./machine-state.ts";
import { askForGuest } from "./qemu-answers.ts";
import type { Qmp } from "./qmp-contract.ts";

/** The state of a move, kept by what the source's monitor says. */
export interface MachineWatch {
  readonly state: MachineState;
  enter(move: Move): void;
  /** `query-migrate` has said so. */
  learn(status: string): void;
  /** Begins to listen; `runs` is what the guest does now. */
  start(runs: boolean): void;
  /** Settles when it is so, or after that many milliseconds: says which. Throws the monitor's `QemuError` if that ends first. */
  until(isSo: (state: MachineState) => boolean, ms: number): Promise<boolean>;
  stop(): void;
}

/** How QEMU calls a guest that it has stopped for a migration of its own, then and later. */
const STOPPED_TO_MIGRATE = new Set(["finish-migrate", "postmigrate"]);

export function createMachineWatch(source: Qmp, clock: Clock): MachineWatch {
  let state: MachineState = { move: { is: "new" }, guest: { is: "stopped-by-others" } };
  const waiting = new Set<() => void>();
  let unwatch: (() => void) | undefined;

  const become = (next: MachineState): void => {
    state = next;
    for (const wake of waiting) wake();
  };
  const onEnd = (): void => {
    if (!isUnderWay(state)) return;
    become({ ...state, move: { is: "over", how: "cannot be followed", cause: source.ended.reason } });
  };

  /** STOP does not say who: an operator may have stopped the guest while its memory was sent. */
  const judgeStop = async (): Promise<void> => {
    const status = await askForGuest(source).catch(() => undefined); // whoever asks next hears of what is wrong
    if (status === undefined || state.guest.is !== "stopped" || status === "running") return;
    if (!STOPPED_TO_MIGRATE.has(status)) become({ ...state, guest: { is: "stopped-by-others" } });
  };

  return {
    get state() {
      return state;
    },
    enter: (move) => become({ ...state, move }),
    learn: (status) => become(afterStatus(state, status)),
    start(runs) {
      state = { move: { is: "ready" }, guest: { is: runs ? "runs" : "stopped-by-others" } };
      source.ended.addEventListener("abort", onEnd);
      unwatch = source.watch((event) => {
        become(afterEvent(state, event, clock.now()));
        if (event.event === "STOP" && state.guest.is === "stopped") void judgeStop();
      });
    },
    async until(isSo, ms) {
      const over = new AbortController();
      const wake = (): void => {
        if (isSo(state) || source.ended.aborted) over.abort();
      };
      waiting.add(wake);
      source.ended.addEventListener("abort", wake);
      wake();
      await clock.sleep(ms, over.signal);
      waiting.delete(wake);
      source.ended.removeEventListener("abort", wake);
      if (isSo(state)) return true;
      source.ended.throwIfAborted();
      return false;
    },
    stop() {
      unwatch?.();
      source.ended.removeEventListener("abort", onEnd);
    },
  };
}
