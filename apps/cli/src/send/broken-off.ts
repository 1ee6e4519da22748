import { MigrationError } from "@blkmig/source";

/** A session that ended before its commit, and of which its receiver keeps what has arrived. */
export class BrokenOff extends MigrationError {
  /** How it is gone on with, in the words that end a sentence. */
  readonly goOn: string;

  constructor({ code, message, phase, pending, guest, cause }: MigrationError, goOn: string) {
    super(code, message, { phase, pending, guest }, { cause });
    this.goOn = goOn;
  }
}

export interface BreakingOff {
  /** Where to, for people. */
  readonly to: string;
  /** It was begun at this run's record, and that was not taken back: the receiver has heard of it. */
  readonly isBegun: boolean;
  /** A page of a browser has no record: what it has received is gone with it. */
  readonly isToPage: boolean;
}

/** Says of what ended a session whether it can be gone on with, and how; other errors stay what they are. */
export function brokenOff(error: unknown, { to, isBegun, isToPage }: BreakingOff): unknown {
  if (!(error instanceof MigrationError) || !isBegun || isToPage) return error;
  const { code, phase, guest } = error;
  const isRefused = code === "refused" && phase === "setup"; // what was refused then is refused again
  // A target that is not what it was sent is not to be gone on with; of a guest that is lost there are other things to do first.
  if (isRefused || code === "mismatch" || guest === "lost") return error;
  return new BrokenOff(error, `; to go on, ${resumed(to)}: what has arrived is kept`);
}

/** Over ssh the receiver is started by the sender. */
export function resumed(to: string): string {
  return `${to.startsWith("ssh:") ? "say the same again" : "start both ends again"} with --resume`;
}
