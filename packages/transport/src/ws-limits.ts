/** How a peer that went away without a word is found out. */
export interface WsKeepAlive {
  /** Default 30 seconds. */
  readonly pingEveryMs?: number;
  /**
   * Silence for so long, while we listen, breaks the wire with `timeout`. Default 2 minutes: a peer that does not read
   * (its disk is slow) cannot see our pings, and is not dead.
   */
  readonly deadAfterMs?: number;
}

/** What both ends of a WebSocket can be told. */
export interface WsLimits extends WsKeepAlive {
  /** The longest message taken from the peer, in bytes; a longer one breaks the wire with `limit`. Default 4 MiB. */
  readonly maxPayload?: number;
  /** Default 10 seconds. */
  readonly handshakeTimeoutMs?: number;
}

/** What `ws` is told at both ends. */
interface WsSettings {
  readonly perMessageDeflate: false;
  readonly maxPayload: number;
  /** So long a peer may take to answer our close. The types of `ws` do not know it yet. */
  readonly closeTimeout: number;
}

/** Disks are compressed before they get here, if at all. */
export function toWsSettings({ maxPayload = 4 * 1024 * 1024 }: WsLimits): WsSettings {
  return { perMessageDeflate: false, maxPayload, closeTimeout: 5000 };
}

export const HANDSHAKE_TIMEOUT_MS = 10_000;

/** The longest message that we send. `ws` copies each into memory that it allocates: short ones are still in the cache then. */
export const MESSAGE_BYTES: number = 256 * 1024;
