import { JournalError } from "@blkmig/journal";

import { CommandError } from "../command-error.ts";

/** A record that says no, or that cannot be read or written, is a refusal. Anything else is thrown as it is. */
export function refuseRecord(error: unknown): never {
  if (error instanceof JournalError) throw new CommandError("refused", error.message, { cause: error });
  throw error;
}
