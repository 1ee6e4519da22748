import * as v from "valibot";

import { CommandError } from "../command-error.ts";
import { MOVE } from "./move-words.ts";

const id = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

const REQUESTS = {
  cancel: v.strictObject({ id, do: v.literal("cancel") }),
  limits: v.strictObject({
    id,
    do: v.literal("limits"),
    "max-bandwidth": v.exactOptional(text),
    "downtime-limit": v.exactOptional(text),
  }),
  resolve: v.strictObject({
    id,
    do: v.literal("resolve"),
    migration: text,
    verdict: v.picklist(["keep", "gone"]),
  }),
  send: v.strictObject({ id, do: v.literal("send"), ...MOVE }),
  status: v.strictObject({ id, do: v.literal("status") }),
  version: v.strictObject({ id, do: v.literal("version") }),
} as const;

const REQUEST = v.variant("do", [
  REQUESTS.cancel,
  REQUESTS.limits,
  REQUESTS.resolve,
  REQUESTS.send,
  REQUESTS.status,
  REQUESTS.version,
]);

/** What a client asks a running `blkmig serve` for: one line. */
export type ControlRequest = v.InferOutput<typeof REQUEST>;

/** A line that asks for something, or what is wrong with it; `id` is null where none could be read. */
export type ReadRequest =
  | { readonly request: ControlRequest }
  | { readonly id: number | null; readonly error: CommandError };

export function readRequest(line: string): ReadRequest {
  const value = jsonIn(line);
  if (value === undefined) return wrong(null, "a request is one JSON object on a line");
  const known = v.safeParse(v.object({ id }), value);
  const checked = v.safeParse(REQUEST, value);
  if (checked.success) return { request: checked.output };
  return wrong(known.success ? known.output.id : null, sentenceOf(checked.issues[0]));
}

function jsonIn(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function wrong(of: number | null, message: string): ReadRequest {
  return { id: of, error: new CommandError("usage", message) };
}

function sentenceOf(issue: v.InferIssue<typeof REQUEST>): string {
  const where = v.getDotPath(issue) ?? "";
  if (issue.type === "variant" && where === "do") {
    const received = issue.received === "undefined" ? "nothing" : issue.received;
    return `"do": ${received} is asked for; what can be is ${Object.keys(REQUESTS).join(", ")}`;
  }
  if (issue.type !== "strict_object") return `"${where}": ${issue.message}`;
  return issue.received === "undefined" ? `"${where}" is missing` : `"${where}" means nothing here`;
}
