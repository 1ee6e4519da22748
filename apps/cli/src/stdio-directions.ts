import { fstatSync } from "node:fs";

import type { WireUrl } from "@blkmig/transport/url";

const STDIN = 0;
const STDOUT = 1;

/** Whether a sender may wait for an answer from there: not from a file, nor from a terminal or /dev/null as input. */
export function canBeAnswered(to: WireUrl): boolean {
  return to.kind === "stdio" ? isPipe(STDIN) : to.kind !== "file";
}

/** Whether a receiver has anybody to answer there: `blkmig receive - < stream` in a shell has nobody. */
export function canAnswer(at: WireUrl): boolean {
  return at.kind === "stdio" ? isPipe(STDOUT) : at.kind !== "file";
}

function isPipe(fd: number): boolean {
  try {
    const file = fstatSync(fd);
    return file.isFIFO() || file.isSocket();
  } catch {
    return false; // closed by the caller
  }
}
