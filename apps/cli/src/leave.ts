/** Milliseconds for what cannot be let go of by name, such as a timer that somebody left running. */
const LINGER_MS = 500;

/**
 * Ends the process, with `process.exitCode`, whatever is still open: peers that are silent, and a standard input that nobody
 * closes, hold no one. They are let go of, and Node.js comes to its end by itself. `process.exit()` is for what holds on
 * nevertheless: in Node.js 24 it may wait for ever for a thread that compiles, and that waits for memory which only the
 * thread that called it could collect (https://github.com/nodejs/node/issues/54918).
 */
export function leave(): void {
  for (const handle of openHandles()) handle.unref?.();
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

interface Handle {
  unref?(): void;
}

/** Sockets, servers and pipes. Node.js has had this name for it since ever, though not in its manual. */
function openHandles(): readonly Handle[] {
  // oxlint-disable-next-line no-underscore-dangle -- its name
  return (process as { _getActiveHandles?(): readonly Handle[] })._getActiveHandles?.() ?? [];
}
