import * as v from "valibot";

import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** Asks, and takes only an answer of this shape. Throws `QemuError`; `not-supported` for any other shape. */
export async function ask<T extends v.GenericSchema>(
  qmp: Qmp,
  command: string,
  schema: T,
  parameters?: Readonly<Record<string, unknown>>,
): Promise<v.InferOutput<T>> {
  const result = v.safeParse(schema, await qmp.execute(command, parameters));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = v.getDotPath(issue);
  throw new QemuError(
    "not-supported",
    qmp.url,
    `${command}: its answer is not understood${place === null ? "" : ` at '${place}'`}: ${issue.message}`,
  );
}
