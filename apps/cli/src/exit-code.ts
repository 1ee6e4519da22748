import type { DeviceError } from "@blkmig/device";
import type { JournalError } from "@blkmig/journal";
import type { NbdError } from "@blkmig/nbd";
import type { QemuError } from "@blkmig/qemu";
import type { LoadError } from "@blkmig/sink";
import type { MigrationError } from "@blkmig/source";
import type { TransportError } from "@blkmig/transport";

import { adviseRoom } from "./advise-room.ts";
import { CommandError, type CommandErrorCode } from "./command-error.ts";
import { InDoubt } from "./exit-code-in-doubt.ts";
import type { BrokenOff } from "./send/broken-off.ts";

/** What the process says to its caller. Spelled in the design: scripts depend on it. */
export const EXIT = {
  ok: 0,
  failed: 1,
  different: 1,
  usage: 2,
  refused: 3,
  inDoubt: 4,
  notComparable: 5,
  guestLost: 6,
  cancelled: 130,
} as const;

/** How a command ended that did not end well. */
export interface Ending {
  readonly exitCode: number;
  readonly event: "failed" | "cancelled" | "in-doubt";
  /** For scripts: a code of one of our error classes, or `bug`. */
  readonly code: string;
  /** One sentence. */
  readonly message: string;
  /** In doubt: which migration, if it has an identity, and the commands of which one would end it by hand. */
  readonly migration?: string;
  readonly commands?: readonly string[];
}

const EXIT_OF_COMMAND: Readonly<Record<CommandErrorCode, number>> = {
  cancelled: EXIT.cancelled,
  "not-a-stream": EXIT.refused,
  "guest-lost": EXIT.guestLost,
  "not-comparable": EXIT.notComparable,
  refused: EXIT.refused,
  usage: EXIT.usage,
};

/** The one place in which errors become exit codes. */
export function endingOf(error: unknown): Ending {
  if (isA<MigrationError>(error, "MigrationError")) return endingOfMigration(error);
  if (isA<LoadError>(error, "LoadError")) return endingOfLoad(error);
  if (error instanceof InDoubt) return endingInDoubt(error.message, error);
  if (error instanceof CommandError) {
    if (error.code === "cancelled") return cancelled(error.message);
    return failed(EXIT_OF_COMMAND[error.code], error);
  }
  // Wires are opened and disks are opened before the first byte; what breaks later comes as one of the classes above.
  if (isA<TransportError>(error, "TransportError") && error.code === "destroyed") return cancelled("cancelled");
  if (isA<TransportError>(error, "TransportError")) return failed(EXIT.refused, error);
  if (isA<NbdError>(error, "NbdError")) return failed(EXIT.refused, error);
  if (isA<DeviceError>(error, "DeviceError")) return failed(EXIT.refused, error);
  if (isA<QemuError>(error, "QemuError")) return failed(EXIT.refused, error);
  if (isA<JournalError>(error, "JournalError"))
    return failed(EXIT.refused, { code: "journal", message: `${error.message}${adviseRoom(error)}` });
  const said = error instanceof Error ? error.message : String(error); // with the call: whoever mends it wants to know
  const message = `this is a bug in blkmig, please report it: ${said} (BLKMIG_DEBUG=1 says where)`;
  return { exitCode: EXIT.failed, event: "failed", code: "bug", message };
}

/** By its name, which each class has for itself: a command that moves no disk need not load the rooms that do. */
function isA<E extends Error>(error: unknown, name: E["name"]): error is E {
  return error instanceof Error && error.name === name;
}

function endingOfMigration(error: MigrationError): Ending {
  if (error.guest === "lost") return failed(EXIT.guestLost, error);
  const { goOn = "" }: Partial<BrokenOff> = error;
  if (error.code === "cancelled") return cancelled(`cancelled: the source is as the guest left it${goOn}`);
  if (error.code === "in-doubt") return endingInDoubt(error.message);
  const advised = { code: error.code, message: `${error.message}${adviseRoom(error) || goOn}` };
  if (error.phase !== "setup") return failed(EXIT.failed, advised);
  // Before the first byte of a disk: no receiver has written any.
  if (isA<JournalError>(error.cause, "JournalError"))
    return failed(EXIT.refused, { code: "journal", message: advised.message });
  return failed(error.code === "refused" || error.code === "wire" ? EXIT.refused : EXIT.failed, advised);
}

function endingInDoubt(message: string, known: Pick<Ending, "migration" | "commands"> = {}): Ending {
  const { migration, commands } = known;
  return {
    exitCode: EXIT.inDoubt,
    event: "in-doubt",
    code: "in-doubt",
    message,
    ...(migration === undefined ? {} : { migration }),
    ...(commands === undefined ? {} : { commands }),
  };
}

function endingOfLoad(error: LoadError): Ending {
  const state = error.touched ? "the targets are not complete" : "nothing was written";
  if (error.code === "cancelled") return cancelled(`cancelled: ${state}`);
  if (error.code === "in-doubt") return endingInDoubt(error.message);
  const message = `${error.message}${adviseRoom(error)} (${state})`;
  return failed(error.touched ? EXIT.failed : EXIT.refused, { code: error.code, message });
}

function failed(exitCode: number, { code, message }: { readonly code: string; readonly message: string }): Ending {
  return { exitCode, event: "failed", code, message };
}

function cancelled(message: string): Ending {
  return { exitCode: EXIT.cancelled, event: "cancelled", code: "cancelled", message };
}
