import { EXIT } from "../exit-code.ts";

interface ExitExplained {
  /** As in the table of apps/cli/README.md. */
  readonly means: string;
  /** What to do, in a sentence or some. */
  readonly next: string;
}

/** Every code that the program ends with, in order. */
export const EXITS: ReadonlyMap<number, ExitExplained> = new Map([
  [
    EXIT.ok,
    {
      means: "committed; `verify`: equal; `serve`: stopped and flushed, or every disk has moved; `cancel`: cancelled",
      next: "Nothing needs to be done.",
    },
  ],
  [
    EXIT.failed,
    {
      means:
        "failed after something was written, or may have been: the source is intact; `verify`: different; `serve`: not everything could be flushed; `cancel`: too late",
      next: "Do what the message says, then start both ends again with --resume: what has arrived is kept.",
    },
  ],
  [EXIT.usage, { means: "usage", next: "`blkmig help COMMAND` has the options and examples." }],
  [
    EXIT.refused,
    {
      means: "refused: no byte of a target was written; `cancel`, `limits`: no migration runs, or nobody is there",
      next: "Do what the message says, and say the same command again.",
    },
  ],
  [
    EXIT.inDoubt,
    {
      means: "in doubt: commit was asked for, and no answer came; the commands that would end it are printed",
      next: "Use neither disk. Start both ends again with --resume: they find out. If one is lost for good, look at `blkmig status`, and say the same at both ends with one of the commands that were printed.",
    },
  ],
  [
    EXIT.notComparable,
    { means: "`verify` could not compare", next: "Mend what the message names: neither disk was written." },
  ],
  [
    EXIT.guestLost,
    {
      means:
        "failed, and the guest could not be resumed, or does not run where it has moved: the message says at which monitor to say `cont`",
      next: "Say `cont` at that monitor, and at no other.",
    },
  ],
  [
    EXIT.cancelled,
    {
      means: "cancelled by SIGINT, SIGTERM or `blkmig cancel` before commit was asked for, the source intact",
      next: "Nothing needs to be done; to go on, start both ends again with --resume.",
    },
  ],
]);

/** Undefined for what is no exit code of the program. */
export function explainExit(
  code: string,
): { readonly title: string; readonly sentences: readonly string[] } | undefined {
  const known = /^\d+$/.test(code) ? EXITS.get(Number(code)) : undefined;
  return known && { title: `Exit code ${Number(code)}`, sentences: [asSentence(known.means), known.next] };
}

function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
