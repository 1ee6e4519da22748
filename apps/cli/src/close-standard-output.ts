import { closeSync, fstatSync, openSync } from "node:fs";

const STDOUT = 1;

/**
 * Lets the reader of standard output see its end. Ending a stream on it does not: libuv never closes descriptors 0 to 2,
 * and a pipe, other than a socket, has no other end than that. To be called when all has left.
 */
export function closeStandardOutput(): void {
  if (!fstatSync(STDOUT).isFIFO()) return;
  closeSync(STDOUT);
  openSync("/dev/null", "w"); // takes its place: a file opened later must not stand where programs print
}
