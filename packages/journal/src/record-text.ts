import * as v from "valibot";

import { JournalError } from "./journal-error.ts";
import type { DiskRecord } from "./record.ts";

const FORMAT = 1;

const amount = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

const IN_BOTH = {
  migration: text,
  disk: text,
  size: amount,
  attempt: amount,
  decidedBy: v.exactOptional(text),
  decides: v.exactOptional(v.array(text)),
  at: v.string(),
};

// Unknown keys are ignored: a later blkmig may say more without meaning anything else.
const RECORD = v.variant("role", [
  v.object({
    ...IN_BOTH,
    role: v.literal("target"),
    state: v.picklist(["incomplete", "sealed", "committed", "aborted"]),
    held: v.array(v.tuple([amount, amount])),
    clone: v.exactOptional(v.boolean()),
    from: v.exactOptional(v.string()),
  }),
  v.object({
    ...IN_BOTH,
    role: v.literal("source"),
    state: v.picklist(["sending", "asked", "moved", "cloned", "kept"]),
    to: v.exactOptional(v.string()),
    brought: v.exactOptional(text),
    serve: v.exactOptional(v.string()),
  }),
]);

/** A record as the bytes of its file: JSON, for people too. */
export function encodeRecord(record: DiskRecord): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ "blkmig-record": FORMAT, ...record })}\n`);
}

/** The record in a file's bytes; `path` is for messages. Throws `JournalError`: `damaged`, `newer`. */
export function decodeRecord(path: string, bytes: Uint8Array): DiskRecord {
  const value = jsonIn(bytes);
  const format = typeof value === "object" && value !== null && "blkmig-record" in value && value["blkmig-record"];
  if (typeof format === "number" && Number.isInteger(format) && format > FORMAT) {
    const message = `written by a later blkmig (format ${format}, known here is ${FORMAT}): use that version`;
    throw new JournalError("newer", path, message);
  }
  if (format !== FORMAT) throw new JournalError("damaged", path, "this is no record of blkmig's, or half of one");
  const checked = v.safeParse(RECORD, value);
  if (!checked.success) throw new JournalError("damaged", path, `as a record it is damaged: ${where(checked.issues)}`);
  assertInside(path, checked.output);
  return checked.output;
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined; // as good as any other value that is no record
  }
}

function where([issue]: readonly [v.InferIssue<typeof RECORD>, ...unknown[]]): string {
  return `${v.getDotPath(issue) ?? "the whole"}: ${issue.message}`;
}

/** What it says to be held is read from the disk: that must be possible. */
function assertInside(path: string, record: DiskRecord): void {
  if (record.role === "source") return;
  const outside = record.held.find(([offset, length]) => offset + length > record.size);
  if (!outside) return;
  const message = `as a record it is damaged: ${outside[1]} bytes held at ${outside[0]} of a disk of ${record.size}`;
  throw new JournalError("damaged", path, message);
}
