import { removeBitmaps } from "./bitmap-ours.ts";
import { type RemovalOptions, removeExports } from "./export-removal.ts";
import { askExports } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/**
 * Removes all of a migration but its marks: exports, bitmaps of writes, the NBD server, and the claim on it. What is gone already is no
 * failure. Throws `QemuError`.
 */
export async function letGoOfDisks(
  { qmp, migration, clock }: RemovalOptions,
  { server }: { readonly server: boolean },
): Promise<void> {
  // First: a bitmap that an export shows cannot be removed, and who may still read here reads nothing of what is written later.
  await removeExports({ qmp, migration, clock }, () => true);
  await removeBitmaps(qmp, migration, ({ is }) => is === "writes");
  if (!server) return;
  await stopServer(qmp);
  // Not before the server: without its claim nobody would know whose it is.
  await removeBitmaps(qmp, migration, ({ is }) => is === "server");
}

/** Unless others have exports in it, who took it for theirs: they would go with it. */
async function stopServer(qmp: Qmp): Promise<void> {
  const exports = await askExports(qmp);
  if (exports.some(({ type }) => type === "nbd")) return;
  await qmp.execute("nbd-server-stop").catch((error: unknown) => {
    // It refuses for one reason only: no server runs.
    if (!(error instanceof QemuError && error.code === "refused")) throw error;
  });
}
