import { parseArgs } from "node:util";

import { TARGETS, targetOf } from "./targets.ts";

/** What was asked for on the command line. */
export interface FuzzOptions {
  readonly help: boolean;
  readonly decoders: readonly string[];
  readonly inputs: number;
  readonly forMs: number;
  readonly seed: number;
  readonly jobs: number;
  readonly json: string | undefined;
  readonly replay: string | undefined;
}

export const HELP = `Usage: pnpm fuzz [options]

Feeds decoders with inputs that are almost right, and says what they reached. The first that fails is shrunk and written to
tooling/fuzz/temp, with the line that replays it; once mended, the file belongs in tooling/fuzz/corpus.

  --decoder NAME   this one only; may be said again. One of
                   ${TARGETS.map(({ name }) => name).join("\n                   ")}
  --inputs N       how many for each decoder, as 20000, 500k or 10M (default 1M)
  --for TIME       stop each decoder after that time, as 30s or 5m, however many inputs that are
  --seed N         another seed, other inputs (default 1)
  --jobs N         how many decoders at once (default 1)
  --json FILE      the table for programs
  --replay FILE    feed this one input, and show what comes of it
  --help
`;

const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 1000, M: 1_000_000, s: 1000, m: 60_000, h: 3_600_000 };

/** Throws a `TypeError` or a `RangeError` for what cannot be meant. */
export function parseFuzzOptions(words: readonly string[]): FuzzOptions {
  const { values } = parseArgs({
    args: words.filter((word) => word !== "--"),
    options: {
      decoder: { type: "string", multiple: true },
      inputs: { type: "string" },
      for: { type: "string" },
      seed: { type: "string", default: "1" },
      jobs: { type: "string", default: "1" },
      json: { type: "string" },
      replay: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { decoder = TARGETS.map(({ name }) => name), inputs, for: time } = values;
  for (const name of decoder) targetOf(name);
  return {
    help: values.help,
    decoders: decoder,
    inputs:
      inputs === undefined
        ? time === undefined
          ? 1_000_000
          : Infinity
        : numberOf("--inputs", inputs, /^(\d+)([kM]?)$/u),
    forMs: time === undefined ? Infinity : numberOf("--for", time, /^(\d+)([smh])$/u),
    seed: numberOf("--seed", values.seed, /^(\d+)()$/u),
    jobs: numberOf("--jobs", values.jobs, /^([1-9]\d?)()$/u),
    json: values.json,
    replay: values.replay,
  };
}

function numberOf(option: string, text: string, form: RegExp): number {
  const [, digits, unit = ""] = form.exec(text) ?? [];
  if (digits === undefined) throw new RangeError(`${option}: '${text}' is none`);
  return Number(digits) * FACTORS[unit]!;
}
