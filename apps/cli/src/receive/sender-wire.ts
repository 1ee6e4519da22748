import type { SinkWire } from "@blkmig/sink";
import type { Connection } from "@blkmig/transport";

import type { KnownSender, Speech } from "./acquaint.ts";

const SCRATCH_BYTES = 64 * 1024;

/** A recognised sender's stream, from its first byte. */
export interface SenderWire extends SinkWire {
  /** Who it is, for a person. */
  readonly peer: string;
  readonly speaks: Speech;
  /**
   * After the last word: closes our side and reads on until the sender closes its own, or `withinMs` have passed. Bytes
   * that nobody has read make a reset of the close, and a reset takes back the answer.
   */
  part(withinMs: number): Promise<void>;
  destroy(reason?: Error): void;
}

export function createSenderWire(connection: Connection, sender: KnownSender, answers: boolean): SenderWire {
  let unread = sender.first;
  /** A load that fails leaves its read behind: the next one must come after it. */
  let reading: Promise<unknown> = Promise.resolve();

  const read = (into: Uint8Array): Promise<number> => {
    if (unread.length > 0) {
      const piece = unread.subarray(0, into.length);
      into.set(piece);
      unread = unread.subarray(piece.length);
      return Promise.resolve(piece.length);
    }
    const bytes = connection.read(into);
    reading = bytes.catch(() => {}); // whoever asked is told
    return bytes;
  };

  const readToTheEnd = async (): Promise<void> => {
    const scratch = new Uint8Array(SCRATCH_BYTES);
    await reading;
    while ((await connection.read(scratch)) > 0);
  };

  return {
    peer: connection.peer,
    speaks: sender.speaks,
    read,
    ...(answers ? { send: (data) => connection.send(data) } : {}),
    async part(withinMs) {
      if (!answers) return connection.destroy(); // nobody listens
      let timer: NodeJS.Timeout | undefined;
      const tired = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      const parted = Promise.all([connection.finish(), readToTheEnd()]).catch(() => {}); // the sender has gone
      await Promise.race([parted, tired]);
      clearTimeout(timer);
      connection.destroy();
    },
    destroy: (reason) => connection.destroy(reason),
  };
}
