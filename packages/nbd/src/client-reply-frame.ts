import { Malformed } from "./client-malformed.ts";
import { CHUNK, CHUNK_ERROR_BIT } from "./nbd-numbers.ts";

/** A run that a server described, in the words of one context. */
export interface Described {
  readonly length: number;
  readonly flags: number;
}

/** What a server says to requests. `last`: no more comes for this cookie. */
export type ReplyFrame =
  /** To a read that succeeded its bytes follow: `land()` says where. */
  | { readonly type: "simple"; readonly cookie: number; readonly error: number }
  /** Its bytes follow: `land()` must say where. */
  | {
      readonly type: "data";
      readonly cookie: number;
      readonly last: boolean;
      readonly offset: bigint;
      readonly length: number;
    }
  | { readonly type: "landed" }
  | {
      readonly type: "hole";
      readonly cookie: number;
      readonly last: boolean;
      readonly offset: bigint;
      readonly length: number;
    }
  | {
      readonly type: "status";
      readonly cookie: number;
      readonly last: boolean;
      readonly context: number;
      readonly runs: readonly Described[];
    }
  | {
      readonly type: "error";
      readonly cookie: number;
      readonly last: boolean;
      readonly error: number;
      readonly message: string;
      readonly offset: bigint | undefined;
    }
  | { readonly type: "none"; readonly cookie: number };

const OFFSET_BYTES = 8;

/** The front of a structured reply's chunk. */
export interface Chunk {
  readonly cookie: number;
  readonly kind: number;
  readonly last: boolean;
}

/** How long the body of a chunk is at least, if it is not of data. Throws `Malformed` for a kind that is unknown. */
export function leastBody(kind: number): number {
  if (kind === CHUNK.OFFSET_HOLE || kind === CHUNK.BLOCK_STATUS) return 12;
  if ((kind & CHUNK_ERROR_BIT) !== 0) return kind === CHUNK.ERROR_OFFSET ? 14 : 6;
  throw new Malformed(`a chunk is of the unknown kind ${hex(kind)}`);
}

/** What a chunk without data says. Throws `Malformed`. */
export function parseBody(chunk: Chunk, view: DataView): ReplyFrame {
  if (chunk.kind === CHUNK.OFFSET_HOLE) {
    const length = view.getUint32(8);
    if (view.byteLength !== 12 || length === 0) throw new Malformed("a chunk that should be a hole is none");
    return { type: "hole", ...plain(chunk), offset: view.getBigUint64(0), length };
  }
  if (chunk.kind === CHUNK.BLOCK_STATUS) return parseStatus(chunk, view);
  return parseError(chunk, view);
}

function parseStatus(chunk: Chunk, view: DataView): ReplyFrame {
  if (view.byteLength % 8 !== 4) throw new Malformed(`a description of ${view.byteLength} bytes ends inside a run`);
  const runs: Described[] = [];
  for (let at = 4; at < view.byteLength; at += 8) {
    const run = { length: view.getUint32(at), flags: view.getUint32(at + 4) };
    if (run.length === 0) throw new Malformed("a description has a run of no bytes");
    runs.push(run);
  }
  return { type: "status", ...plain(chunk), context: view.getUint32(0), runs };
}

function parseError(chunk: Chunk, view: DataView): ReplyFrame {
  const [error, length] = [view.getUint32(0), view.getUint16(4)];
  const end = 6 + length;
  const hasOffset = chunk.kind === CHUNK.ERROR_OFFSET;
  if (end + (hasOffset ? OFFSET_BYTES : 0) > view.byteLength)
    throw new Malformed("the sentence of an error is cut off");
  const message = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + 6, length));
  const offset = hasOffset ? view.getBigUint64(end) : undefined;
  if (error === 0) throw new Malformed("an error has no number");
  return { type: "error", ...plain(chunk), error, message, offset };
}

/** Of a chunk what its frame says, too. */
export function plain({ cookie, last }: Chunk): { cookie: number; last: boolean } {
  return { cookie, last };
}

/** For sentences. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
