import type { MachineState } from "./machine-state.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";
import { askForRam } from "./ram-report.ts";

/** Why QEMU's migration does not go on, with QEMU's words if it has any. */
export async function failureOf(source: Qmp, { move }: MachineState): Promise<QemuError> {
  if (move.is === "back") {
    const what =
      "QEMU's migration was cancelled to give the guest back, and its destination has gone: start that again";
    return new QemuError("migration", source.url, what);
  }
  const how = move.is === "over" ? move.how : "stands still";
  const cause = move.is === "over" ? move.cause : undefined;
  const said = await askForRam(source).catch(() => undefined); // it is wanted for its words only
  const why = cause instanceof Error ? cause.message : said?.why;
  return new QemuError("migration", source.url, `QEMU's migration ${how}${why === undefined ? "" : `: ${why}`}`, {
    cause,
  });
}
