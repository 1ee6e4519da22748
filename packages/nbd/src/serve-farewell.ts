import type { Clock } from "@blkmig/device";
import type { Connection, Segments } from "@blkmig/transport";

/** How long we listen to a client that we have said our last word to. Milliseconds. */
const LISTEN_MS = 1000;
const SCRATCH_BYTES = 4096;

/**
 * Ends a connection so that the last word is heard: a close with unread bytes is a reset, and a reset throws away what the peer has not
 * read yet. Never throws: whoever has said goodbye may be gone.
 */
export async function sayFarewell(connection: Connection, lastWord: Segments, clock: Clock): Promise<void> {
  const ended = readToEnd(connection);
  connection.send(lastWord).catch(() => {});
  await endAfter(connection, clock, ended);
}

/** The same, while somebody else reads: `ended` settles when the peer has finished. */
export async function endAfter(connection: Connection, clock: Clock, ended: Promise<void>): Promise<void> {
  const heard = new AbortController();
  try {
    await connection.finish();
    await Promise.race([ended, clock.sleep(LISTEN_MS, heard.signal)]);
  } catch {
    // The wire is broken: nobody is there to be told, and why it broke was said to whoever read from it.
  } finally {
    heard.abort();
    connection.destroy();
  }
}

async function readToEnd(connection: Connection): Promise<void> {
  const scratch = new Uint8Array(SCRATCH_BYTES);
  try {
    while ((await connection.read(scratch)) > 0);
  } catch {
    // It is over either way.
  }
}
