import * as v from "valibot";

import { formatBytes, formatPercent } from "../output/format-amounts.ts";
import type { Fields } from "../output/json-lines.ts";

const DISK = v.looseObject({
  name: v.string(),
  path: v.string(),
  size: v.number(),
  state: v.string(),
  "read-only": v.boolean(),
  to: v.exactOptional(v.string()),
  why: v.exactOptional(v.string()),
  clients: v.array(v.string()),
});

const STATUS = v.looseObject({
  nbd: v.array(v.string()),
  disks: v.array(DISK),
  migration: v.exactOptional(
    v.looseObject({
      id: v.exactOptional(v.string()),
      to: v.string(),
      disks: v.array(v.string()),
      statistics: v.looseObject({ phase: v.string(), total: v.number(), remaining: v.number() }),
      ended: v.exactOptional(v.string()),
      message: v.exactOptional(v.string()),
    }),
  ),
});

type Status = v.InferOutput<typeof STATUS>;

/** What a running server does, a sentence a line, for people. Throws for what no server of ours says. */
export function describeServer(fields: Fields): readonly string[] {
  const { nbd, disks, migration } = v.parse(STATUS, fields);
  return [
    `serving at ${nbd.join(", ")}`,
    ...disks.flatMap(describeDisk),
    migration ? describeMigration(migration) : "no migration has been asked for",
  ];
}

function describeDisk(disk: Status["disks"][number]): readonly string[] {
  const { name, path, size, state, to, why, clients } = disk;
  const readOnly = disk["read-only"] ? ", read-only" : "";
  const about = `${to === undefined ? "" : ` to ${to}`}${why === undefined ? "" : `: ${why}`}`;
  return [
    `'${name}': ${path}, ${formatBytes(size)}${readOnly}: ${state}${about}`,
    ...clients.map((client) => `  client ${client}`),
  ];
}

function describeMigration({ id, to, disks, statistics, ended, message }: NonNullable<Status["migration"]>): string {
  const what = `migration${id === undefined ? "" : ` ${id}`} of ${disks.map((name) => `'${name}'`).join(", ")} to ${to}`;
  if (ended !== undefined) return `${what}: ${ended}${message === undefined ? "" : `: ${message}`}`;
  const { phase, total, remaining } = statistics;
  return `${what}: ${phase}, ${formatPercent(total - remaining, total)}, ${formatBytes(remaining)} remaining`;
}
