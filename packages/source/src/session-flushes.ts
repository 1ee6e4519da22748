import type { SessionLink } from "./session-link.ts";

/** Bytes that are sent before the sink is asked to make them durable, so that no pause has to wait for much. */
const FLUSH_EVERY = 256 * 1024 * 1024;

/** When a sink is asked to flush, and how long that took: once at a time. */
export interface Flushes {
  /** Milliseconds of the last one. */
  readonly lastMs: number;
  /** A connection begins: whatever an older one was asked for, nobody answers any more. */
  begin(): void;
  /** Something was sent. */
  onTurn(link: SessionLink): void;
  onPass(link: SessionLink): void;
}

export function createFlushes(): Flushes {
  let lastMs = 0;
  let flushed = 0;
  let flushing = false;

  const flush = async (link: SessionLink): Promise<void> => {
    if (flushing) return;
    flushing = true;
    flushed = link.acknowledged;
    try {
      lastMs = (await link.request({ say: "flush", serial: link.carried }, "flushed")).ms;
      flushing = false;
    } catch {
      // The connection has ended: whoever sends is told.
    }
  };

  return {
    get lastMs() {
      return lastMs;
    },
    begin() {
      flushed = 0;
      flushing = false;
    },
    onTurn(link) {
      if (link.acknowledged - flushed > FLUSH_EVERY) void flush(link);
    },
    onPass: (link) => void flush(link),
  };
}
