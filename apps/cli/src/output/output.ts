import type { Ending } from "../exit-code.ts";
import { createFold } from "./fold.ts";
import { type Fields, formatEvent, openEventsDescriptor } from "./json-lines.ts";
import { createPeople } from "./people.ts";
import type { Progress } from "./progress.ts";
import { createStatusLimit } from "./status-limit.ts";
import { flushed, unread } from "./unread.ts";

/** Everything a command says, to people and to scripts. */
export interface Output {
  /** A sentence for people. With `--json` only what went wrong is told to them. `why` as in `warn`. */
  say(text: string, why?: string): void;
  /** For both. With `why`, it is of a kind that strangers can repeat: after the first few they are counted, and told together. */
  warn(message: string, why?: string): void;
  /** For scripts. */
  event(event: string, fields: Fields): void;
  /** For both: people see `progress`, scripts a `status` of these fields, each as often as they can bear. */
  progress(progress: Progress, status: Fields): void;
  /** For both: the end of a command, or of one migration, that did not go well. */
  ended(ending: Ending): void;
  /** Takes the progress line away: what is said next is the end. */
  endProgress(): void;
  /** Where a bug is, for whoever asked for it. */
  debug(error: unknown): void;
  /** Settles when all that was said has left. */
  flush(): Promise<void>;
}

export type Warn = Output["warn"];

export interface OutputOptions {
  readonly json: boolean;
  readonly stdoutIsWire?: boolean;
}

/** Bytes of events; some two minutes of them. */
const MOST_UNREAD_BYTES = 1024 * 1024;

const now = (): number => performance.now();
const later = (ms: number, act: () => void): void => void setTimeout(act, ms).unref();

export function createOutput({ json, stdoutIsWire = false }: OutputOptions): Output {
  const events = json ? eventsStream(stdoutIsWire) : undefined;
  // Lines of text between them would break whoever reads the events.
  const people = events === process.stderr ? undefined : createPeople(process.stderr, now);
  const mayTell = createStatusLimit(now);
  // Nobody reads any more: that ends no migration.
  for (const stream of [process.stderr, events]) stream?.on("error", () => {});

  const warn = (message: string): void => {
    people?.warn(message);
    event("warning", { message });
  };
  const warnings = createFold({ tell: warn, later });
  const sayings = createFold({ tell: (text) => people?.line(text), later });
  const flushFolds = (): void => [warnings, sayings].forEach((fold) => fold.flush());

  const event = (name: string, fields: Fields): void => {
    events?.write(formatEvent(name, { ...fields, time: new Date().toISOString() }));
  };

  return {
    say(text, why) {
      if (json) return;
      if (why === undefined) people?.line(text);
      else sayings.tell(text, why);
    },
    warn(message, why) {
      if (why === undefined) warn(message);
      else warnings.tell(message, why);
    },
    event,
    progress(progress, status) {
      if (!json) people?.progress(progress);
      else if (isRead(events) && mayTell(progress.phase)) event("status", status);
    },
    endProgress: () => people?.endProgress(),
    ended({ event: name, code, message, migration = null, commands = [] }) {
      flushFolds(); // before the end: nothing comes after it
      people?.endProgress();
      people?.error(message);
      if (!json && commands.length > 0) people?.line("The same at both ends, one of these ends it by hand:");
      for (const command of json ? [] : commands) people?.line(`  ${command}`);
      if (name === "failed") event(name, { code, message });
      else if (name === "in-doubt") event(name, { migration, message, resolve: commands });
      else event(name, { message });
    },
    debug: (error) => void process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
    async flush() {
      flushFolds();
      await Promise.all([process.stderr, ...(events ? [events] : [])].map(flushed));
    },
  };
}

function eventsStream(stdoutIsWire: boolean): NodeJS.WritableStream {
  if (!stdoutIsWire) return process.stdout;
  return openEventsDescriptor() ?? process.stderr;
}

/** What waits for a reader must not grow without end: a status is the one thing that the next one makes up for. */
function isRead(events: NodeJS.WritableStream | undefined): boolean {
  return unread(events) <= MOST_UNREAD_BYTES;
}
