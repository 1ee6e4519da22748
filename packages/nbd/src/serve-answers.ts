import { SIMPLE_REPLY_BYTES } from "./nbd-numbers.ts";
import { CONTEXT_ID } from "./server-contexts.ts";
import type { Refusal } from "./server-errors.ts";
import type { Lease } from "./server-memory.ts";
import type { ReplyOutbox } from "./server-outbox.ts";
import {
  DATA_CHUNK_BYTES,
  type Descriptor,
  encodeErrorChunk,
  encodeStatusChunk,
  putDataChunk,
  putSimpleReply,
} from "./server-replies.ts";
import type { NbdRequest } from "./server-requests.ts";

/** What is said of one request. `settled` is called when it has left, or never will. */
export interface Answers {
  done(request: NbdRequest, settled: () => void): void;
  refused(request: NbdRequest, refusal: Refusal, settled: () => void): void;
  /** The data are in the lease's memory, which is given back here. */
  data(request: NbdRequest, lease: Lease, settled: () => void): void;
  status(request: NbdRequest, runs: readonly Descriptor[], settled: () => void): void;
}

/** No reply puts more than this in the outbox besides its payload. */
export const MOST_REPLY_HEADER_BYTES: number = DATA_CHUNK_BYTES;

export function createAnswers(outbox: ReplyOutbox, structured: boolean): Answers {
  function simple(request: NbdRequest, error: number, settled: () => void): void {
    outbox.reply(SIMPLE_REPLY_BYTES, (view, at) => putSimpleReply(view, at, request, error), [], settled);
  }

  return {
    done: (request, settled) => simple(request, 0, settled), // a simple reply is right, and shorter, where there is no payload
    refused(request, { error, message }, settled) {
      if (!structured) return simple(request, error, settled);
      outbox.reply(0, () => {}, [encodeErrorChunk(request, error, message)], settled);
    },
    data(request, lease, settled) {
      const letGo = (): void => {
        lease.give();
        settled();
      };
      if (structured) {
        outbox.reply(DATA_CHUNK_BYTES, (view, at) => putDataChunk(view, at, request), lease.pieces, letGo);
      } else {
        outbox.reply(SIMPLE_REPLY_BYTES, (view, at) => putSimpleReply(view, at, request, 0), lease.pieces, letGo);
      }
    },
    status(request, runs, settled) {
      outbox.reply(0, () => {}, [encodeStatusChunk(request, CONTEXT_ID.ALLOCATION, runs)], settled);
    },
  };
}
