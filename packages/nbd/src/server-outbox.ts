import type { Segments } from "@blkmig/transport";

/** Replies on their way to one client: all that became ready while the last ones were being sent leave together. */
export interface ReplyOutbox {
  /**
   * A reply: `put` writes its first `bytes` bytes, now; `payload` follows them, borrowed until `onSettled`. That is called when the
   * reply has left, or never will: the wire is broken.
   */
  reply(bytes: number, put: (view: DataView, at: number) => void, payload: Segments, onSettled: () => void): void;
}

export interface ReplyOutboxParts {
  readonly send: (data: Segments) => Promise<void>;
  /** How much of replies may wait besides their payloads: all `bytes` of those that can be unsettled at once. */
  readonly headerBytes: number;
  /** The wire takes nothing any more. Called once. */
  readonly onFailure: (reason: unknown) => void;
}

/** Replies that leave in one send. */
interface Batch {
  readonly headers: Uint8Array;
  readonly view: DataView;
  used: number;
  /** Where the headers begin that no payload follows yet: neighbours leave as one segment. */
  runStart: number;
  segments: Uint8Array[];
  settled: (() => void)[];
}

export function createReplyOutbox({ send, headerBytes, onFailure }: ReplyOutboxParts): ReplyOutbox {
  let filling = createBatch(headerBytes);
  let sending = createBatch(headerBytes);
  let isRunning = false;
  let isBroken = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (filling.settled.length > 0) {
      // Requests that the system finished together are heard of one after the other, in one turn: each would be a send of its own.
      await endOfTurn();
      [filling, sending] = [sending, filling];
      await sendBatch(sending);
    }
    isRunning = false;
  }

  async function sendBatch(batch: Batch): Promise<void> {
    closeRun(batch);
    try {
      if (!isBroken) await send(batch.segments);
    } catch (reason) {
      isBroken = true;
      onFailure(reason);
    }
    const { settled } = batch;
    empty(batch);
    for (const settle of settled) settle();
  }

  return {
    reply(bytes, put, payload, onSettled) {
      put(filling.view, filling.used);
      filling.used += bytes;
      filling.settled.push(onSettled);
      if (payload.length > 0) {
        closeRun(filling);
        filling.segments.push(...payload);
      }
      if (!isRunning) void run();
    },
  };
}

function createBatch(headerBytes: number): Batch {
  const headers = new Uint8Array(headerBytes);
  return { headers, view: new DataView(headers.buffer), used: 0, runStart: 0, segments: [], settled: [] };
}

function closeRun(batch: Batch): void {
  const { headers, used, runStart } = batch;
  if (used > runStart) batch.segments.push(headers.subarray(runStart, used));
  batch.runStart = used;
}

function empty(batch: Batch): void {
  batch.used = 0;
  batch.runStart = 0;
  batch.segments = [];
  batch.settled = [];
}

async function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
