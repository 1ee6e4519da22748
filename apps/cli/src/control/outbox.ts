import type { Connection } from "@blkmig/transport";

/** Lines that wait for a reader: it may be slow, and must cost no memory by that. */
export interface Outbox {
  /** The last word on a request: never dropped. */
  answer(line: string): void;
  /** An event. A `status` that was not read yet makes way for the next one of its request. */
  event(line: string, of: { readonly id: number; readonly isStatus: boolean }): void;
  /** Settles when so little waits that more may be asked for, or when the reader has gone. */
  room(): Promise<void>;
  /** Settles when all has left, or when the reader has gone. */
  empty(): Promise<void>;
}

interface Waiting {
  readonly line: string;
  /** Of which request it is the status. */
  readonly statusOf?: number;
}

/** Events that are no status are rare; a reader that leaves so many of them is taken for asleep. */
const MOST_EVENTS = 256;
const MOST_ANSWERS = 16;

export function createOutbox(to: Pick<Connection, "send">): Outbox {
  let waiting: Waiting[] = [];
  let isGone = false;
  let pumping: Promise<void> | undefined;

  const pump = async (): Promise<void> => {
    const encoder = new TextEncoder();
    try {
      while (waiting.length > 0) {
        const lines = waiting.map(({ line }) => `${line}\n`).join("");
        waiting = [];
        await to.send([encoder.encode(lines)]);
      }
    } catch {
      isGone = true; // what is asked for goes on: nobody hears of it
      waiting = [];
    }
    pumping = undefined;
  };
  const add = (item: Waiting): void => {
    if (isGone) return;
    waiting.push(item);
    pumping ??= pump();
  };

  return {
    answer: (line) => add({ line }),
    event(line, { id, isStatus }) {
      if (isStatus) waiting = waiting.filter(({ statusOf }) => statusOf !== id);
      if (waiting.length < MOST_EVENTS) add(isStatus ? { line, statusOf: id } : { line });
    },
    async room() {
      while (waiting.length >= MOST_ANSWERS && pumping) await pumping;
    },
    async empty() {
      while (pumping) await pumping;
    },
  };
}
