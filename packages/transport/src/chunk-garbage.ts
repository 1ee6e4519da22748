import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Chunks that came since the young objects were collected last, bytes. */
const MOST_BYTES = 8 * 1024 * 1024;

type Collect = (options: { readonly type: "minor" }) => void;

/**
 * Counts chunks that a Node stream allocates for what it reads, and has V8 collect young objects when many have come.
 *
 * V8 does not by itself: it collects the young when their own heap is full, and chunks of 64 KiB lie outside of that. What it does
 * instead, each 25 MiB or so, is a full collection, which takes ten times as long: of a second in which 500 MB came by
 * WebSocket it spent half (Node.js 20 and 24).
 */
export function createChunkCounter(): (bytes: number) => void {
  let come = 0;
  return (bytes) => {
    come += bytes;
    if (come < MOST_BYTES) return;
    come = 0;
    collect ??= findCollect();
    collect({ type: "minor" });
  };
}

let collect: Collect | undefined;

/** V8 has its `gc` only for scripts that begin while the flag is set; nobody else gets to see it. */
function findCollect(): Collect {
  setFlagsFromString("--expose-gc");
  try {
    const found: unknown = runInNewContext("gc");
    return typeof found === "function" ? (found as Collect) : () => {};
  } catch {
    return () => {}; // an engine that has none: it costs time, and nothing else
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
