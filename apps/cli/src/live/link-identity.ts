import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";

import { whatBrought } from "@blkmig/journal";
import type { LinkIdentity } from "@blkmig/nbd";

import type { LiveDiskParts } from "./live-contract.ts";

/** A disk that no migration has brought. */
const NO_MIGRATION = "-";

/** Says who disks are to whoever is linked to them. `migration`: the one that brings them, if it is not on record yet. */
export async function createLinkIdentities(
  migration: string | undefined,
): Promise<(parts: LiveDiskParts) => LinkIdentity> {
  const run = randomUUID();
  // What was written and not flushed outlives this program, and not the kernel that has it.
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => run,
  );
  return ({ disk, record }) => ({
    run: disk.kind === "nbd" ? run : boot,
    disk: migration ?? whatBrought(record) ?? NO_MIGRATION,
  });
}
