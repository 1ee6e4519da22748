import { findVmDescription } from "./vm-description.ts";

/** A machine's description has some 100 KiB; one that is longer than this is not found. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Room behind them, so that not every `add()` has to move all that is kept. */
const SLACK_BYTES = 1024 * 1024;
const CLOSING_BRACE = 0x7d;

/** The last 4 MiB of a migration stream while it comes by: where the description of the machine is looked for. */
export interface VmDescriptionTail {
  /** How many bytes have come by. */
  readonly seen: number;
  /** The next bytes, any number of them; borrowed for the call. */
  add(bytes: Uint8Array): void;
  /** The last bytes that came, at most 4 MiB, in their order: a view, good until the next `add()`. */
  bytes(): Uint8Array;
  /**
   * The description, if what came so far ends with it, a JSON object. `offset` counts from the first byte that came by. May be
   * asked after every `add()`: most bytes do not end like an object, and then nothing is searched.
   */
  find(): { offset: number; json: string } | undefined;
}

/** Keeps a stream's tail in at most 5 MiB, whatever comes; memory is taken with the first byte. */
export function createVmDescriptionTail(): VmDescriptionTail {
  let buffer: Uint8Array | undefined;
  let filled = 0;
  let seen = 0;

  const append = (into: Uint8Array, bytes: Uint8Array): void => {
    const room = into.length - filled;
    if (bytes.length > room) {
      const kept = Math.min(filled, MOST_BYTES - bytes.length);
      into.copyWithin(0, filled - kept, filled);
      filled = kept;
    }
    into.set(bytes, filled);
    filled += bytes.length;
  };
  const last = (): Uint8Array => {
    return buffer?.subarray(Math.max(0, filled - MOST_BYTES), filled) ?? new Uint8Array();
  };

  return {
    get seen() {
      return seen;
    },
    add(bytes) {
      seen += bytes.length;
      buffer ??= new Uint8Array(MOST_BYTES + SLACK_BYTES);
      append(buffer, bytes.subarray(Math.max(0, bytes.length - MOST_BYTES)));
    },
    bytes: last,
    find() {
      const tail = last();
      if (tail.at(-1) !== CLOSING_BRACE) return undefined;
      const found = findVmDescription(tail);
      return found && { ...found, offset: seen - tail.length + found.offset };
    },
  };
}
