/** Bytes in order, in pieces, never joined. */
export type Segments = readonly Uint8Array[];

/** A two-way stream of bytes. */
export interface Connection {
  /** Who is at the other end, for a person: `tcp://127.0.0.1:4711`, `stdio:`, `file:///tmp/a`. */
  readonly peer: string;
  /**
   * Fills some of `into` (not empty), borrowed until it settles; gives the number of bytes, 0 when the peer has
   * finished (and from then on). One at a time. Throws `TransportError` when the wire broke.
   */
  read(into: Uint8Array): Promise<number>;
  /**
   * Sends all segments, in order of call; borrows them until it settles, and then their memory may be reused. Settling
   * is back-pressure: whoever awaits it never has more than one send buffered here.
   */
  send(data: Segments): Promise<void>;
  /** No more will be sent; settles when all that was sent has left and the peer has been told. Reading goes on. */
  finish(): Promise<void>;
  /** Lets go at once: reads and sends under way throw `TransportError` `destroyed` with `reason` as cause. Twice is once. */
  destroy(reason?: Error): void;
}

/** A place where peers arrive. */
export interface Listener {
  /** What a sender must dial, with the real port: `tcp://127.0.0.1:4711`, `ws://[::1]:80/path`, `unix:///run/a`. */
  readonly url: string;
  /** The next peer, in order of arrival; undefined once closed. */
  accept(): Promise<Connection | undefined>;
  /** Takes no more peers; those accepted live on, those waiting are destroyed. */
  close(): Promise<void>;
}
