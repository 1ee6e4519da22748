import { getSystemErrorMap } from "node:util";

/** Why a command ends, where no package of ours threw. */
export type CommandErrorCode =
  | "cancelled" // by SIGINT or SIGTERM, before anything was written
  | "guest-lost" // the guest runs nowhere, and blkmig could not help that
  | "not-a-stream" // bytes that no wire of ours begins with
  | "not-comparable" // verify could not read both disks to their ends
  | "refused" // it could be done, and should not be: no byte of a target was written
  | "usage"; // the command line does not say what to do

/** A command cannot go on. The message is one sentence for the person who typed it. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: CommandErrorCode;

  constructor(code: CommandErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The message of whatever was thrown. Of a system error its words, and its code in brackets: the call is no person's business, and
 * the path or the address stands in the sentence that this is a part of.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = "errno" in error && typeof error.errno === "number" && getSystemErrorMap().get(error.errno);
  return known ? `${known[1]} (${known[0]})` : error.message;
}
