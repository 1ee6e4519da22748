import type { LiveDiskView, LiveStatus } from "./live-contract.ts";
import type { LiveDisk } from "./live-disk.ts";
import type { LiveMove } from "./live-move.ts";
import { shownAs } from "./live-state.ts";

/** How a migration ended, for whoever asks later. */
export type MoveEnd = Pick<NonNullable<LiveStatus["migration"]>, "ended" | "message">;

export function viewDisk({ name, parts, state }: LiveDisk, clients: readonly string[]): LiveDiskView {
  return {
    name,
    path: parts.disk.path,
    size: parts.device.size,
    readOnly: parts.readOnly,
    state: shownAs(state),
    ...(state.is === "forwarding" ? { to: state.to } : {}),
    ...(state.is === "failed" ? { why: state.why } : {}),
    clients,
  };
}

/** Undefined for one that was refused before anything began. */
export function viewMove({ id, to, disks, statistics }: LiveMove, end: MoveEnd): LiveStatus["migration"] {
  if (!statistics) return undefined;
  return { ...(id === undefined ? {} : { id }), to, disks: disks.map(({ name }) => name), statistics, ...end };
}
