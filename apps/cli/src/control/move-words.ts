import { resolve } from "node:path";

import * as v from "valibot";

/** As long as a name, a path or an address can be. */
const text = v.pipe(v.string(), v.maxLength(4096));
const said = v.exactOptional(text);
const texts = v.exactOptional(v.array(text));
const yes = v.exactOptional(v.boolean());

const MOVE = {
  to: text,
  disk: texts,
  after: said,
  "forward-to": said,
  throttle: yes,
  mirror: yes,
  "max-bandwidth": said,
  "downtime-limit": said,
  verify: yes,
  checksum: yes,
  resume: yes,
  "reconnect-for": said,
  listen: yes,
  insecure: yes,
  "token-file": said,
  "tls-cert": said,
  "tls-key": said,
  "tls-ca": said,
  "remote-disk": texts,
  "remote-command": said,
  "remote-flag": texts,
  "ssh-command": said,
} as const;

/** A `send` as it is asked for: the options of `blkmig send --from`, by their long names. */
export interface MoveWords {
  readonly to: string;
  readonly disk?: readonly string[];
  readonly after?: string;
  readonly "forward-to"?: string;
  readonly throttle?: boolean;
  readonly mirror?: boolean;
  readonly "max-bandwidth"?: string;
  readonly "downtime-limit"?: string;
  readonly verify?: boolean;
  readonly checksum?: boolean;
  readonly resume?: boolean;
  readonly "reconnect-for"?: string;
  readonly listen?: boolean;
  readonly insecure?: boolean;
  readonly "token-file"?: string;
  readonly "tls-cert"?: string;
  readonly "tls-key"?: string;
  readonly "tls-ca"?: string;
  readonly "remote-disk"?: readonly string[];
  readonly "remote-command"?: string;
  readonly "remote-flag"?: readonly string[];
  readonly "ssh-command"?: string;
}

export const MOVE_WORDS: v.GenericSchema<unknown, MoveWords> = v.strictObject(MOVE);

type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
/** The same words by the names that commander gives them. */
export type MoveFlags = { [K in keyof MoveWords as Camel<K>]: MoveWords[K] };

/** Files that the server reads, wherever it runs. */
const FILES: ReadonlySet<string> = new Set(["token-file", "tls-cert", "tls-key", "tls-ca"]);

/** What commander makes of a switch that was not typed: an older server need not know it. */
function untyped(word: string): boolean | undefined {
  if (word === "verify") return undefined; // it has both forms
  return word === "checksum"; // it has `--no-checksum` alone
}

const camel = (word: string): string => word.replaceAll(/-(.)/gu, (_, letter: string) => letter.toUpperCase());

export function flagsOf(words: MoveWords): MoveFlags {
  return Object.fromEntries(Object.entries(words).map(([word, value]) => [camel(word), value])) as unknown as MoveFlags;
}

/** What was typed here, as it is asked for there: files by their absolute paths. What is not of a move is left out. */
export function wordsOf(flags: Readonly<Record<string, unknown>>): MoveWords {
  const words = Object.keys(MOVE).flatMap((word) => {
    const value = flags[camel(word)];
    const isSaid = value !== undefined && value !== untyped(word) && !(Array.isArray(value) && value.length === 0);
    if (!isSaid) return [];
    return [[word, FILES.has(word) && typeof value === "string" ? resolve(value) : value]];
  });
  return v.parse(MOVE_WORDS, Object.fromEntries(words));
}
