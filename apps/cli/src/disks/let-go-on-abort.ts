import type { AnyDisk } from "./any-disk.ts";

/**
 * A command that is interrupted waits no longer for a server that is away, which could take as long as it is dialled. For disks
 * that are only read: their last request may fail. A file keeps its lock until the command closes it.
 */
export function letGoOnAbort(disk: AnyDisk, signal: AbortSignal): void {
  if (disk.kind !== "nbd") return;
  const letGo = (): void => void disk.close().catch(() => {}); // whoever closes it is told
  if (signal.aborted) letGo();
  else signal.addEventListener("abort", letGo, { once: true });
}
