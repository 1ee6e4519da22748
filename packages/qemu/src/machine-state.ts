import type { QmpEvent } from "./qmp-contract.ts";

/** A machine's move, by what it waits for. */
export type Move =
  | { readonly is: "new" } // for `prepare()`
  | { readonly is: "ready" } // for the disks to converge
  | { readonly is: "sending"; readonly afterPass: number } // for disks and memory to fit; `afterPass`: not before that many passes have ended
  | { readonly is: "held" } // the guest stands still at pre-switchover: for the last of the disks
  | { readonly is: "handing" } // for QEMU's verdict
  | { readonly is: "completed" } // QEMU says that the destination has everything: for the destination to say so
  | { readonly is: "handed" } // the destination has everything, and does not run: for the commit
  | { readonly is: "moved" } // nothing here any more
  | { readonly is: "over"; readonly how: string; readonly cause?: unknown } // for `resume()`
  | { readonly is: "back" }; // given back: its destination has gone

/** The guest, here. */
export type GuestHere =
  | { readonly is: "runs" }
  | { readonly is: "stopped"; readonly at: number } // by QEMU, for this move
  | { readonly is: "stopped-by-others" }; // or it never ran: not ours to resume

export interface MachineState {
  readonly move: Move;
  readonly guest: GuestHere;
}

/** Whether QEMU's migration goes on, or has gone on to where nothing is decided yet. */
export function isUnderWay({ move }: MachineState): boolean {
  return move.is === "sending" || isHeld(move);
}

function isHeld(move: Move): boolean {
  return move.is === "held" || move.is === "handing" || move.is === "completed";
}

/** What follows from an event of the source; `now` is when it came. */
export function afterEvent(state: MachineState, { event, data }: QmpEvent, now: number): MachineState {
  switch (event) {
    case "STOP":
      return { ...state, guest: mayStop(state) ? { is: "stopped", at: now } : { is: "stopped-by-others" } };
    case "RESUME":
      return { move: afterResume(state.move), guest: { is: "runs" } };
    case "MIGRATION":
      return typeof data["status"] === "string" ? afterStatus(state, data["status"]) : state;
    default:
      return state;
  }
}

/** Also when it is over: QEMU may have been about to, and must not be taken for an operator. */
function mayStop(state: MachineState): boolean {
  return isUnderWay(state) || state.move.is === "over";
}

/** Who resumes a guest that is held takes it back: QEMU does so when its migration has ended. */
function afterResume(move: Move): Move {
  if (!isHeld(move)) return move;
  return { is: "over", how: "has ended, and the guest runs here again" };
}

/** What follows from what QEMU says of its migration. Whatever is over stays so: an older answer may come late. */
export function afterStatus(state: MachineState, status: string): MachineState {
  const { move } = state;
  if (!isUnderWay(state)) return state;
  switch (status) {
    case "pre-switchover":
      return move.is === "sending" ? { ...state, move: { is: "held" } } : state;
    case "device":
      return move.is === "handing" || move.is === "completed" ? state : takenOver(state);
    case "completed":
      if (move.is === "completed") return state;
      return move.is === "handing" ? { ...state, move: { is: "completed" } } : takenOver(state);
    case "failed":
      return { ...state, move: { is: "over", how: "has failed" } };
    case "cancelling":
    case "cancelled":
      return { ...state, move: { is: "over", how: "was cancelled" } };
    default:
      return state;
  }
}

function takenOver(state: MachineState): MachineState {
  return { ...state, move: { is: "over", how: "was let go on by somebody else" } };
}
