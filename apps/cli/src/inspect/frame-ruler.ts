import { SESSION_HEADER_BYTES, SESSION_MAGIC } from "@blkmig/protocol";

/** The header's first bytes, up to the size of the payload. */
const HEAD_BYTES = 8;
const SIZE_AT = 4;

/** A frame of a session as it lies in the stream: `position` is its first byte, `bytes` its length with its header. */
export interface MeasuredFrame {
  readonly position: number;
  readonly kind: number;
  readonly bytes: number;
}

/**
 * Measures a session's frames beside its decoder, which passes over some of them in silence. It checks nothing: what it says of a
 * frame is true if the decoder came beyond that frame's header. It remembers frames until they are taken.
 */
export class FrameRuler {
  readonly #head = new Uint8Array(HEAD_BYTES);
  /** How much of the head of the frame at `#next` is there. */
  #held = 0;
  #next = SESSION_MAGIC.length;
  #seen = 0;
  #measured: MeasuredFrame[] = [];

  /** The stream's next bytes, borrowed for the call. */
  add(bytes: Uint8Array): void {
    let at = this.#next + this.#held - this.#seen;
    while (at < bytes.length) {
      const piece = bytes.subarray(at, at + HEAD_BYTES - this.#held);
      this.#head.set(piece, this.#held);
      this.#held += piece.length;
      if (this.#held < HEAD_BYTES) break;
      this.#measure();
      at = this.#next - this.#seen;
    }
    this.#seen += bytes.length;
  }

  /** Takes the frames that begin before that byte of the stream, in their order. */
  takeBefore(position: number): readonly MeasuredFrame[] {
    const behind = this.#measured.findIndex((frame) => frame.position >= position);
    return this.#measured.splice(0, behind === -1 ? this.#measured.length : behind);
  }

  /** Takes the first frame of those that are left. */
  takeFirst(): MeasuredFrame | undefined {
    return this.#measured.shift();
  }

  #measure(): void {
    const bytes = SESSION_HEADER_BYTES + new DataView(this.#head.buffer).getUint32(SIZE_AT);
    this.#measured.push({ position: this.#next, kind: this.#head[0] ?? 0, bytes });
    this.#next += bytes;
    this.#held = 0;
  }
}
