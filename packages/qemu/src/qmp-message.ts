import * as v from "valibot";

import { assertModest } from "./qmp-bounds.ts";
import type { QemuVersion, QmpEvent } from "./qmp-contract.ts";
import { QmpMalformed } from "./qmp-malformed.ts";

/** What a monitor says. `id` is whatever the command had; undefined where QEMU could not read one. */
export type QmpMessage =
  | { readonly is: "greeting"; readonly version: QemuVersion }
  | { readonly is: "return"; readonly id: unknown; readonly value: unknown }
  | { readonly is: "error"; readonly id: unknown; readonly class: string; readonly desc: string }
  | { readonly is: "event"; readonly event: QmpEvent };

const amount = v.pipe(v.number(), v.safeInteger());

const GREETING = v.looseObject({
  QMP: v.looseObject({
    version: v.looseObject({
      qemu: v.looseObject({ major: amount, minor: amount, micro: amount }),
      package: v.optional(v.string(), ""),
    }),
  }),
});
const ERROR = v.looseObject({ error: v.looseObject({ class: v.string(), desc: v.string() }), id: v.unknown() });
const EVENT = v.looseObject({
  event: v.string(),
  data: v.optional(v.record(v.string(), v.unknown()), {}),
  // A host without a clock says -1 and -1.
  timestamp: v.optional(v.looseObject({ seconds: amount, microseconds: amount }), { seconds: 0, microseconds: 0 }),
});

/** Throws `QmpMalformed`. */
export function decodeMessage(line: string): QmpMessage {
  const value = jsonIn(line);
  if (typeof value !== "object" || value === null) throw new QmpMalformed(`it says ${excerpt(line)}`);
  // First what is most: an answer can be large, and nothing inside it is looked at here.
  if ("return" in value) return { is: "return", id: "id" in value ? value.id : undefined, value: value.return };
  if ("error" in value) {
    const { id, error } = checked(ERROR, { id: undefined, ...value }, line);
    return { is: "error", id, class: error.class, desc: error.desc };
  }
  if ("event" in value) return { is: "event", event: toEvent(checked(EVENT, value, line)) };
  const { version } = checked(GREETING, value, line).QMP;
  const { major, minor, micro } = version.qemu;
  return { is: "greeting", version: { major, minor, micro, package: version.package.trim() } };
}

/** A line for the monitor. */
export function encodeCommand(id: string, command: string, parameters?: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`);
}

function toEvent({ event, data, timestamp }: v.InferOutput<typeof EVENT>): QmpEvent {
  const at = timestamp.seconds < 0 ? 0 : timestamp.seconds * 1000 + Math.floor(timestamp.microseconds / 1000);
  return { event, data, at };
}

function jsonIn(line: string): unknown {
  assertModest(line);
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new QmpMalformed(`it says ${excerpt(line)}`, { cause: error });
  }
}

function checked<T extends v.GenericSchema>(schema: T, value: object, line: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (!result.success) throw new QmpMalformed(`it says ${excerpt(line)}`);
  return result.output;
}

function excerpt(line: string): string {
  return JSON.stringify(line.length > 40 ? `${line.slice(0, 40)}…` : line);
}
