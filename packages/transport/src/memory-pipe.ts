import type { Segments } from "./connection.ts";
import type { TransportError } from "./transport-error.ts";

/** How a wire in memory behaves. */
export interface MemoryPipeOptions {
  /** Bytes each direction holds by itself; 0 (the default) makes every send wait for its reader. */
  readonly capacity?: number;
  /** Awaited before the bytes of each send can be read; order is kept. */
  readonly latency?: () => Promise<void>;
  /** How many of the `available` bytes the next read gives; kept within 1 and what fits. */
  readonly split?: (available: number) => number;
}

/** One call of `send` (or `finish`: no segments) on its way. */
interface Parcel {
  segments: Uint8Array[];
  isOwned: boolean;
  hasArrived: boolean;
  readonly isEnd: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Waiting {
  readonly into: Uint8Array;
  readonly resolve: (n: number) => void;
  readonly reject: (error: Error) => void;
}

const total = (segments: Segments) => segments.reduce((sum, segment) => sum + segment.length, 0);

/** One direction of a wire in memory. */
export class MemoryPipe {
  readonly #capacity: number;
  readonly #latency: () => Promise<void>;
  readonly #split: (available: number) => number;
  readonly #parcels: Parcel[] = [];
  #lastArrival: Promise<unknown> = Promise.resolve();
  #waiting: Waiting | undefined;
  #readable = 0; // bytes that have arrived and were not read
  #kept = 0; // how many of the first parcels are copies
  #keptBytes = 0;
  #endHasLeft = false; // the sender was told so: nothing may take it back
  #hasEnded = false;
  #broken: TransportError | undefined;

  constructor({ capacity = 0, latency, split }: MemoryPipeOptions) {
    this.#capacity = capacity;
    this.#latency = latency ?? (() => Promise.resolve());
    this.#split = split ?? ((available) => available);
  }

  read(into: Uint8Array): Promise<number> {
    if (this.#waiting) return Promise.reject(new TypeError("a read is under way already: only one at a time"));
    if (into.length === 0) return Promise.reject(new RangeError("cannot read into an empty buffer"));
    return new Promise((resolve, reject) => {
      this.#waiting = { into, resolve, reject };
      this.#settleRead();
    });
  }

  /** Borrows the segments until it settles: it copies them when they are read, or fit in what the wire may hold. */
  send(data: Segments): Promise<void> {
    return this.#dispatch(
      data.filter((segment) => segment.length > 0),
      false,
    );
  }

  /** Settles when the end is on its way, after all that was sent before it. */
  end(): Promise<void> {
    return this.#dispatch([], true);
  }

  /** The sender let go, or lost its peer: sends under way throw, and what had not left is lost. */
  breakSender(error: TransportError): void {
    if (this.#endHasLeft) return;
    for (const parcel of this.#parcels.splice(0)) parcel.reject(error);
  }

  /** From now on reads throw `error`; but a peer that goes away after its end takes nothing back. */
  breakReader(error: TransportError): void {
    if (this.#endHasLeft && error.code !== "destroyed") return;
    this.#broken ??= error;
    this.#settleRead();
  }

  #dispatch(segments: Uint8Array[], isEnd: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const parcel: Parcel = { segments, isOwned: false, hasArrived: false, isEnd, resolve, reject };
      this.#parcels.push(parcel);
      this.#lastArrival = Promise.all([this.#lastArrival, this.#latency()]).then(() => this.#arrive(parcel));
      this.#keepWhatFits();
    });
  }

  #arrive(parcel: Parcel): void {
    parcel.hasArrived = true;
    this.#readable += total(parcel.segments);
    this.#settleRead();
  }

  #settleRead(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#openEnd();
    if (!this.#broken && !this.#hasEnded && this.#readable === 0) return;
    this.#waiting = undefined;
    if (this.#broken) waiting.reject(this.#broken);
    else if (this.#hasEnded) waiting.resolve(0);
    else waiting.resolve(this.#take(waiting.into));
    this.#openEnd();
    this.#keepWhatFits();
  }

  #take(into: Uint8Array): number {
    const most = Math.min(this.#readable, into.length);
    const wanted = Math.min(Math.max(1, Math.floor(this.#split(this.#readable))), most);
    let filled = 0;
    while (filled < wanted) {
      const { segments, isOwned } = this.#parcels[0]!;
      const piece = segments[0]!.subarray(0, wanted - filled);
      into.set(piece, filled);
      filled += piece.length;
      if (isOwned) this.#keptBytes -= piece.length;
      if (piece.length === segments[0]!.length) segments.shift();
      else segments[0] = segments[0]!.subarray(piece.length);
      this.#letGoOfEmpty();
    }
    this.#readable -= filled;
    return filled;
  }

  /** Settles the sends whose last byte was taken. */
  #letGoOfEmpty(): void {
    while (this.#parcels[0]?.hasArrived && !this.#parcels[0].isEnd && this.#parcels[0].segments.length === 0) {
      this.#release();
    }
  }

  #release(): void {
    const parcel = this.#parcels.shift()!;
    if (parcel.isOwned) this.#kept--;
    parcel.resolve();
  }

  #openEnd(): void {
    this.#letGoOfEmpty();
    if (!this.#parcels[0]?.hasArrived || !this.#parcels[0].isEnd) return;
    this.#hasEnded = true;
    this.#endHasLeft = true;
    this.#release();
  }

  /** Copies the sends that fit and settles them, in order. */
  #keepWhatFits(): void {
    for (let parcel = this.#parcels[this.#kept]; parcel; parcel = this.#parcels[this.#kept]) {
      const bytes = total(parcel.segments);
      if (this.#keptBytes + bytes > this.#capacity) return;
      parcel.segments = parcel.segments.map((segment) => segment.slice());
      parcel.isOwned = true;
      this.#kept++;
      this.#keptBytes += bytes;
      this.#endHasLeft ||= parcel.isEnd;
      parcel.resolve();
    }
  }
}
