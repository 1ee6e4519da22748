import type { Connection } from "./connection.ts";
import { Outbox, type Done, type Outlet } from "./outbox.ts";
import { TransportError } from "./transport-error.ts";
import { toTransportError, WireState } from "./wire-state.ts";

/** A file to read from: fills some of `into`, 0 at its end. */
export interface FileReader {
  read(into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** A file to write to; `finish` makes everything last. */
export interface FileWriter {
  write(segments: readonly Uint8Array[]): Promise<void>;
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** The thread pool cannot be interrupted and goes on using memory: what was begun settles when the system is done. */
export function createReadConnection(url: string, file: FileReader): Connection {
  const state = new WireState(url);
  let reading: Promise<number> | undefined;
  let hasEnded = false;
  state.onBreak(() => {
    if (!hasEnded) closeAfter(reading, file);
  });
  const read = async (into: Uint8Array) => {
    try {
      const n = await file.read(into);
      if (state.error) throw state.error;
      if (n === 0) {
        hasEnded = true;
        await file.close();
      }
      return n;
    } catch (error) {
      state.break(toTransportError(url, error));
      throw state.error ?? error;
    } finally {
      reading = undefined;
    }
  };
  return {
    peer: url,
    read(into) {
      if (state.error) return Promise.reject(state.error);
      if (reading) return Promise.reject(new TypeError("a read is under way already: only one at a time"));
      if (into.length === 0) return Promise.reject(new RangeError("cannot read into an empty buffer"));
      if (hasEnded) return Promise.resolve(0);
      return (reading = read(into));
    },
    send: () => Promise.reject(readOnly(url)),
    finish: () => Promise.resolve(),
    destroy: (reason) => void state.destroy(reason),
  };
}

export function readOnly(url: string): TransportError {
  return new TransportError("finished", url, "is only read: nothing can be sent there");
}

/** The same holds for writes: a send that was begun when the connection was destroyed settles, and fails, later. */
export function createWriteConnection(url: string, file: FileWriter): Connection {
  const state = new WireState(url);
  let last: Promise<void> = Promise.resolve();
  let isClosed = false;
  state.onBreak(() => {
    if (!isClosed) closeAfter(last, file);
  });
  const perform = async (before: Promise<void>, work: () => Promise<void>, done: Done) => {
    await before;
    try {
      if (state.error) throw state.error;
      await work();
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
  const inOrder = (work: () => Promise<void>, done: Done) => {
    last = perform(last, work, done);
  };
  const end = async () => {
    await file.finish();
    isClosed = true;
    await file.close();
  };
  const outlet: Outlet = {
    write: (segments, done) => inOrder(() => file.write(segments), done),
    end: (done) => inOrder(end, done),
  };
  const outbox = new Outbox(outlet, state, "settle-when-done");
  return {
    peer: url,
    read: () => (state.error ? Promise.reject(state.error) : Promise.resolve(0)),
    send: (data) => outbox.send(data),
    finish: () => outbox.finish(),
    destroy: (reason) => void state.destroy(reason),
  };
}

/** Nobody waits for it, and there is nobody to tell when closing fails: the connection was given up. */
function closeAfter(work: Promise<unknown> | undefined, file: { close(): Promise<void> }): void {
  const close = () => file.close().catch(() => {});
  void Promise.resolve(work).then(close, close);
}
