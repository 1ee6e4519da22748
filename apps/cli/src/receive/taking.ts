import type { CommandWorld } from "../run-command.ts";
import type { Guard } from "./guard.ts";
import type { Targets } from "./open-targets.ts";
import type { ReceiveOptions } from "./receive-options.ts";
import type { SenderWire } from "./sender-wire.ts";
import type { Serving } from "./serving.ts";

/** How long a sender may take to close its side once it has been told how it ended. */
export const PART_WITHIN_MS = 2000;

/** A migration whose disks are here to stay. */
export interface Committed {
  readonly migration: string;
  readonly attempt: number;
}

/** One migration that is taken. */
export interface Taking {
  readonly wire: SenderWire;
  readonly targets: Targets;
  readonly guard: Guard;
  readonly options: ReceiveOptions;
  readonly world: CommandWorld;
  /** How its sender comes again, where it has a session. */
  readonly again: ComesAgain;
  /** Where the disks are served once they are committed, if they are. */
  readonly serving: Serving | undefined;
  /** Told as soon as the sender has its answer: others may come now. What was committed, if anything was. */
  readonly onAnswered: (committed?: Committed) => void;
}

/** Where further connections of a session come from. */
export type ComesAgain =
  | { readonly by: "nothing" }
  | { readonly by: "door"; readonly admit: (take: (wire: SenderWire) => void) => void }
  | { readonly by: "dialling"; readonly dial: (signal: AbortSignal) => Promise<SenderWire> };
