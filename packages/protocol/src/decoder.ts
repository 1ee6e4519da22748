/**
 * A decoder that does no I/O: it says where the next bytes of the wire belong, and is told how many came.
 *
 * ```ts
 * for (;;) {
 *   const bytes = await connection.read(decoder.want());
 *   if (bytes === 0) break decoder.end();
 *   decoder.accept(bytes);
 *   for (let frame = decoder.next(); frame; frame = decoder.next()) {
 *     if (frame.type === "payload") decoder.land(await pool.take());
 *     else await apply(frame);
 *   }
 * }
 * ```
 */
export interface Decoder<Frame> {
  /**
   * Where the next bytes of the wire belong, never empty: a scratch of the decoder's own while a header is awaited, the
   * rest of the landed buffer while a payload is, and not a byte more. The view is good until the next call of any
   * method. Throws `Error` while a payload waits for `land()`, or a full scratch or payload for `next()`.
   */
  want(): Uint8Array;
  /** Says that `bytes` bytes (1 to `want().length`) were put at the front of `want()`; else `RangeError`. */
  accept(bytes: number): void;
  /**
   * The next frame, or undefined when more bytes are needed. Drain it before reading again: one read may complete many
   * frames. Throws `ProtocolError` for bytes that are no stream; after that the decoder stays failed.
   */
  next(): Frame | undefined;
  /**
   * After `next()` gave a payload's header: the buffer, borrowed, where its bytes shall go. At least as long as the
   * payload, else `RangeError`; the finished frame gives it back. If the stream breaks first, it is the caller's again.
   */
  land(buffer: Uint8Array): void;
  /** The wire has ended. Throws `ProtocolError` `truncated` if it ended inside a frame, `Error` if `next()` was not drained. */
  end(): void;
}
