import { encodeAck, type Segments } from "@blkmig/protocol";

/** Waiting to be sent, at most, before the reader of the wire must wait too: a peer that asks and never reads costs no more. */
const MOST_WAITING = 64;

/** What we say: one send at a time, in order; acknowledgements go first, and only the newest. */
export interface Outbox {
  /** Settles when it was sent; rejects if the wire breaks. */
  say(data: Segments): Promise<void>;
  /** There is something to acknowledge. */
  acknowledge(): void;
  /** What to wait for before more may be asked of us; undefined while there is room. */
  room(): Promise<void> | undefined;
  /** Since when the send under way has been waiting, by the clock; undefined while none is. */
  readonly sendingSince: number | undefined;
  readonly lastSent: number;
}

export interface OutboxParts {
  readonly send: (data: Segments) => Promise<void>;
  readonly now: () => number;
  /** How many frames are written, and how many of these durable. */
  readonly counts: () => { readonly written: number; readonly durable: number };
  /** The wire takes nothing any more. */
  readonly onFailure: (reason: unknown) => void;
}

interface Waiting {
  readonly data: Segments;
  resolve(): void;
  reject(reason: unknown): void;
}

export function createOutbox({ send, now, counts, onFailure }: OutboxParts): Outbox {
  const waiting: Waiting[] = [];
  let emptied: (() => void)[] = [];
  let ackDue = false;
  let broken: { readonly reason: unknown } | undefined;
  let isRunning = false;
  let sendingSince: number | undefined;
  let lastSent = now();

  const sendNow = async (data: Segments): Promise<void> => {
    sendingSince = now();
    await send(data);
    lastSent = now();
    sendingSince = undefined;
  };

  const sendNext = async (): Promise<void> => {
    if (ackDue) {
      ackDue = false;
      const { written, durable } = counts();
      return sendNow(encodeAck(written, durable));
    }
    const next = waiting.shift();
    if (!next) return;
    try {
      await sendNow(next.data);
      next.resolve();
    } catch (reason) {
      next.reject(reason);
      throw reason;
    }
  };

  const wake = (): void => {
    const woken = emptied;
    emptied = [];
    for (const resolve of woken) resolve();
  };

  const run = async (): Promise<void> => {
    if (isRunning || broken) return;
    isRunning = true;
    try {
      while (ackDue || waiting.length > 0) {
        await sendNext();
        if (waiting.length < MOST_WAITING) wake();
      }
    } catch (reason) {
      broken = { reason };
      for (const each of waiting.splice(0)) each.reject(reason);
      wake();
      onFailure(reason);
    } finally {
      isRunning = false;
    }
  };

  return {
    async say(data) {
      if (broken) throw broken.reason;
      await new Promise<void>((resolve, reject) => {
        waiting.push({ data, resolve, reject });
        void run();
      });
    },
    acknowledge() {
      ackDue = true;
      void run();
    },
    room: () =>
      waiting.length < MOST_WAITING || broken ? undefined : new Promise((resolve) => void emptied.push(resolve)),
    get sendingSince() {
      return sendingSince;
    },
    get lastSent() {
      return lastSent;
    },
  };
}
