import { fstatSync } from "node:fs";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the place where people look can show. */
export interface TerminalLook {
  /** A line may be painted over another: a terminal that knows how, and nobody's build log. */
  readonly moves: boolean;
  readonly colours: boolean;
  /** Characters beyond ASCII arrive as what they are. */
  readonly unicode: boolean;
  /** Lines begin with `<N>`, the priority that the journal of systemd takes away and files them under. */
  readonly priorities: boolean;
}

interface LookedAt {
  readonly isTTY?: boolean;
  readonly fd?: number;
  hasColors?(): boolean;
}

/** Finds out by the stream, and by what users and services say in their environment. */
export function lookOf(stream: LookedAt, environment: Environment): TerminalLook {
  const { TERM, CI, FORCE_COLOR } = environment;
  return {
    moves: stream.isTTY === true && TERM !== "dumb" && !isSaid(CI),
    // A terminal is asked, and knows NO_COLOR and FORCE_COLOR by itself; elsewhere only who insists gets any.
    colours: stream.hasColors?.() ?? (FORCE_COLOR !== undefined && !["0", "false"].includes(FORCE_COLOR)),
    unicode: isUtf8(environment),
    priorities: stream.isTTY !== true && isJournal(stream.fd, environment["JOURNAL_STREAM"]),
  };
}

function isSaid(value: string | undefined): boolean {
  return value !== undefined && !["", "0", "false"].includes(value);
}

/** The first that is set decides, as in setlocale(3); with none it is the locale "C". */
function isUtf8({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  return /utf-?8/i.test([LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== "") ?? "");
}

/** The variable is inherited by whatever a service starts: only the descriptor says whether it is still the journal's. */
function isJournal(fd: number | undefined, journal: string | undefined): boolean {
  if (fd === undefined || journal === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return journal === `${dev}:${ino}`;
  } catch {
    return false; // closed
  }
}
