import type { Connection, Segments } from "./connection.ts";
import { MemoryPipe, type MemoryPipeOptions } from "./memory-pipe.ts";
import { TransportError } from "./transport-error.ts";
import { WireState } from "./wire-state.ts";

/** How slow and how broken into pieces the wire is. */
export type MemoryPairOptions = MemoryPipeOptions;

/**
 * Two ends of a wire in memory. It keeps the contract to the letter: bytes are copied out of the sender's memory only
 * when the reader takes them, so memory reused before `send` settles is seen; and by default (`capacity` 0) no send
 * settles before the reader has taken all of it.
 */
export function memoryPair(options: MemoryPairOptions = {}): [Connection, Connection] {
  const there = new MemoryPipe(options);
  const back = new MemoryPipe(options);
  const [a, b] = [new WireState("memory:a"), new WireState("memory:b")];
  return [createEnd(a, b, there, back), createEnd(b, a, back, there)];
}

function createEnd(state: WireState, other: WireState, out: MemoryPipe, into: MemoryPipe): Connection {
  let finishing: Promise<void> | undefined;
  const finish = async () => {
    if (state.error) throw state.error;
    await out.end();
  };
  state.onBreak((error) => {
    out.breakSender(error);
    into.breakReader(error);
  });
  return {
    peer: other.url,
    read: (buffer) => into.read(buffer),
    send(data: Segments) {
      if (state.error) return Promise.reject(state.error);
      if (finishing) {
        return Promise.reject(new TransportError("finished", state.url, "nothing can be sent after finish()"));
      }
      return out.send(data);
    },
    finish: () => (finishing ??= finish()),
    destroy(reason) {
      if (!state.destroy(reason)) return;
      other.break(new TransportError("reset", other.url, "the peer went away in the middle", { cause: reason }));
    },
  };
}
