import type { Run } from "@blkmig/device";

/** One disk as the planner sees it. */
export interface DiskView {
  /** The next run to send at or behind the cursor of this pass, clipped before what is in flight. */
  readonly run: Run | undefined;
  /** The run's first unit is in flight: an older copy of it has not left yet. */
  readonly busy: boolean;
  /** Whether the run's first unit is known to hold data, so that it is read without asking again. */
  readonly data: boolean;
}

/** All that the choice of the next step depends on. */
export interface View {
  readonly phase: "bulk" | "dirty";
  /** The disk whose turn it is in the dirty phase. */
  readonly turn: number;
  readonly disks: readonly DiskView[];
  /** Whether anything at all is left to send, before or behind the cursors. */
  readonly todo: boolean;
  readonly flights: number;
  /** Whether the limits allow one more read. */
  readonly mayRead: boolean;
  /** Whether this turn's budget is used up. */
  readonly spent: boolean;
}

/** What to do next. */
export type Step =
  | { readonly do: "ask"; readonly disk: number; readonly run: Run } // what is it: zero, skipped, data?
  | { readonly do: "read"; readonly disk: number; readonly run: Run }
  | { readonly do: "settle" } // wait for a flight
  | { readonly do: "yield" } // the budget is used up
  | { readonly do: "end-pass" };

/** Decides; touches nothing. */
export function nextStep(view: View): Step {
  if (view.spent) return { do: "yield" };
  const disk = view.phase === "bulk" ? firstUnswept(view) : nextInTurn(view);
  if (disk === undefined) return nothingReady(view);
  const { run, busy, data } = view.disks[disk]!;
  if (busy) return { do: "settle" };
  if (!data) return { do: "ask", disk, run: run! };
  return view.mayRead ? { do: "read", disk, run: run! } : { do: "settle" };
}

/** Bulk sweeps disk after disk. */
function firstUnswept(view: View): number | undefined {
  const disk = view.disks.findIndex(({ run }) => run);
  return disk < 0 ? undefined : disk;
}

/** Dirty passes take turns, so that a busy first disk starves no other; a disk that must wait is passed over. */
function nextInTurn({ disks, turn }: View): number | undefined {
  let waiting: number | undefined;
  for (let i = 0; i < disks.length; i++) {
    const disk = (turn + i) % disks.length;
    if (!disks[disk]!.run) continue;
    if (!disks[disk]!.busy) return disk;
    waiting ??= disk;
  }
  return waiting;
}

function nothingReady(view: View): Step {
  const onlyFlightsAreLeft = !view.todo && view.flights > 0;
  return onlyFlightsAreLeft ? { do: "settle" } : { do: "end-pass" };
}
