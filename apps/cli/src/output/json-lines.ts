import { createWriteStream, fstatSync, readlinkSync } from "node:fs";
import { Socket } from "node:net";

export type Fields = Readonly<Record<string, unknown>>;

const EVENTS_FD = 3;

/** Prints one event as one line. What is undefined is left out. */
export function formatEvent(event: string, fields: Fields): string {
  return `${JSON.stringify({ event, ...fields })}\n`;
}

/** File descriptor 3, if the caller opened it; a closed one soon belongs to Node itself, as an anonymous inode. */
export function openEventsDescriptor(): NodeJS.WritableStream | undefined {
  try {
    const file = fstatSync(EVENTS_FD);
    if (readlinkSync(`/proc/self/fd/${EVENTS_FD}`).startsWith("anon_inode:")) return undefined;
    if (file.isFIFO() || file.isSocket()) return new Socket({ fd: EVENTS_FD, readable: false, writable: true });
    return file.isFile() || file.isCharacterDevice() ? createWriteStream("", { fd: EVENTS_FD }) : undefined;
  } catch {
    return undefined; // not open, or no /proc to tell whose it is
  }
}
