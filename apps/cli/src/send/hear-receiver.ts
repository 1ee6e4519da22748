import { type Segments, SESSION_MAGIC } from "@blkmig/protocol";
import type { Connection } from "@blkmig/transport";

import { messageOf } from "../command-error.ts";
import type { Stranger } from "../newcomers.ts";
import { shownBytes } from "../receive/recognise.ts";

/** A receiver that has answered, and what it said so far: to be read again. */
interface KnownReceiver {
  readonly is: "receiver";
  readonly connection: Connection;
}

/** Says the opening of a session to whoever has dialled, and waits for the answer. Never throws: a wire that breaks is a stranger's. */
export async function hearReceiver(connection: Connection, opening: Segments): Promise<KnownReceiver | Stranger> {
  const bytes = new Uint8Array(SESSION_MAGIC.length);
  let filled = 0;
  try {
    void connection.send(opening).catch(() => {}); // reading says why
    for (;;) {
      const count = await connection.read(bytes.subarray(filled));
      if (count === 0) return { is: "stranger", why: "it closed the connection before it had answered" };
      filled += count;
      const said = bytes.subarray(0, filled);
      if (said.some((byte, at) => byte !== SESSION_MAGIC[at])) {
        return { is: "stranger", why: `this is no receiver of blkmig: it begins with ${shownBytes(said)}` };
      }
      if (filled === bytes.length) return { is: "receiver", connection: withFirst(connection, bytes) };
    }
  } catch (error) {
    return { is: "stranger", why: messageOf(error) };
  }
}

function withFirst(connection: Connection, first: Uint8Array): Connection {
  let unread = first;
  return {
    peer: connection.peer,
    async read(into) {
      if (unread.length === 0) return connection.read(into);
      const piece = unread.subarray(0, into.length);
      into.set(piece);
      unread = unread.subarray(piece.length);
      return piece.length;
    },
    send: (data) => connection.send(data),
    finish: () => connection.finish(),
    destroy: (reason) => connection.destroy(reason),
  };
}
