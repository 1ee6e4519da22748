import * as v from "valibot";

import { CommandError } from "../command-error.ts";
import { MOVE_WORDS, type MoveWords } from "./move-words.ts";
import type { LimitWords } from "./parse-limits.ts";

/** What a client asks a running `blkmig serve` for: one line. */
export type ControlRequest = { readonly id: number } & (
  | { readonly do: "cancel" | "status" | "version" }
  | { readonly do: "limits"; readonly words: LimitWords }
  | { readonly do: "resolve"; readonly words: { readonly migration: string; readonly verdict: "keep" | "gone" } }
  | { readonly do: "send"; readonly words: MoveWords }
);

/** A line that asks for something, or what is wrong with it; `id` is null where none could be read. */
export type ReadRequest =
  | { readonly request: ControlRequest }
  | { readonly id: number | null; readonly error: CommandError };

const id = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

const NAMES = ["cancel", "limits", "resolve", "send", "status", "version"] as const;
const REQUEST = v.looseObject({ id, do: v.picklist(NAMES) });
const NOTHING = v.strictObject({});
const LIMITS = v.strictObject({
  "max-bandwidth": v.exactOptional(text),
  "downtime-limit": v.exactOptional(text),
});
const RESOLVE = v.strictObject({ migration: text, verdict: v.picklist(["keep", "gone"]) });

export function readRequest(line: string): ReadRequest {
  const value = jsonIn(line);
  const request = v.safeParse(REQUEST, value);
  const known = v.safeParse(v.object({ id }), value);
  try {
    if (value === undefined) throw new CommandError("usage", "a request is one JSON object on a line");
    if (!request.success) throw wrong(request.issues[0]);
    return { request: withWords(request.output) };
  } catch (error) {
    return { id: known.success ? known.output.id : null, error: error as CommandError };
  }
}

function withWords({ id: of, do: what, ...words }: v.InferOutput<typeof REQUEST>): ControlRequest {
  switch (what) {
    case "limits":
      return { id: of, do: what, words: parse(LIMITS, words) };
    case "resolve":
      return { id: of, do: what, words: parse(RESOLVE, words) };
    case "send":
      return { id: of, do: what, words: parse(MOVE_WORDS, words) };
    case "cancel":
    case "status":
    case "version":
      parse(NOTHING, words);
      return { id: of, do: what };
  }
}

function parse<T>(schema: v.GenericSchema<unknown, T>, words: unknown): T {
  const checked = v.safeParse(schema, words);
  if (!checked.success) throw wrong(checked.issues[0]);
  return checked.output;
}

function jsonIn(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function wrong(issue: v.BaseIssue<unknown>): CommandError {
  return new CommandError("usage", sentenceOf(issue));
}

function sentenceOf(issue: v.BaseIssue<unknown>): string {
  const where = v.getDotPath(issue) ?? "";
  if (where === "do") {
    const received = issue.received === "undefined" ? "nothing" : issue.received;
    return `"do": ${received} is asked for; what can be is ${NAMES.join(", ")}`;
  }
  if (issue.received === "undefined") return `"${where}" is missing`;
  return issue.type === "strict_object" ? `"${where}" means nothing here` : `"${where}": ${issue.message}`;
}
