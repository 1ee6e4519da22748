import * as v from "valibot";

import { EXIT, type Ending } from "../exit-code.ts";
import type { Fields } from "../output/json-lines.ts";

const code = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(255));

const LINE = v.looseObject({
  id: v.nullable(v.number()),
  event: v.exactOptional(v.string()),
  result: v.exactOptional(v.record(v.string(), v.unknown())),
  error: v.exactOptional(
    v.object({
      code: v.string(),
      "exit-code": code,
      message: v.string(),
      migration: v.exactOptional(v.string()),
      resolve: v.exactOptional(v.array(v.string())),
    }),
  ),
});

type ControlLine = v.InferOutput<typeof LINE>;

/** What a server says to a request: events, then one of the other two. */
export type ControlAnswer =
  | { readonly type: "event"; readonly event: string; readonly fields: Fields }
  | { readonly type: "result"; readonly result: Fields }
  | { readonly type: "error"; readonly ending: Ending };

/** What a line says, and to which request; undefined for one that no server of ours says. */
export function readAnswer(line: string): { readonly id: number | null; readonly answer: ControlAnswer } | undefined {
  const checked = v.safeParse(LINE, jsonIn(line));
  if (!checked.success) return undefined;
  const answer = answerIn(checked.output);
  return answer && { id: checked.output.id, answer };
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function answerIn({ id: _id, event, result, error, ...fields }: ControlLine): ControlAnswer | undefined {
  if (event !== undefined) return { type: "event", event, fields };
  if (result !== undefined) return { type: "result", result };
  return error && { type: "error", ending: endingIn(error) };
}

function endingIn(error: NonNullable<ControlLine["error"]>): Ending {
  const { code: name, "exit-code": exitCode, message, migration, resolve: commands } = error;
  const about = { ...(migration === undefined ? {} : { migration }), ...(commands === undefined ? {} : { commands }) };
  return { exitCode, event: eventOf(exitCode), code: name, message, ...about };
}

function eventOf(exitCode: number): Ending["event"] {
  if (exitCode === EXIT.inDoubt) return "in-doubt";
  return exitCode === EXIT.cancelled ? "cancelled" : "failed";
}
