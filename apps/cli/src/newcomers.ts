import type { Connection } from "@blkmig/transport";

/** A peer of which nothing will come, and why. */
export interface Stranger {
  readonly is: "stranger";
  readonly why: string;
}

export interface NewcomersOptions {
  /** How long a peer may take to say who it is. Milliseconds. */
  readonly within: number;
  /** How many may be waiting for that at once. */
  readonly atOnce: number;
}

/** Peers that have not said who they are. */
export interface Newcomers {
  /** Gives what `known` does, or a stranger: who takes too long, or has to make room for those that came later. */
  hear<T>(peer: Connection, known: Promise<T | Stranger>): Promise<T | Stranger>;
  /** All that are here are strangers now. */
  dismiss(why: string): void;
}

/**
 * Hears several at once, each for a while. Whoever means well speaks at once: so a place that is wanted is that of the longest
 * silence, and strangers who hold all of them do not keep out who comes next.
 */
export function createNewcomers({ within, atOnce }: NewcomersOptions): Newcomers {
  /** In the order of their coming, each with its way out. */
  const unknown = new Map<Connection, (why: string) => void>();
  return {
    async hear(peer, known) {
      const [longest] = unknown;
      if (longest && unknown.size >= atOnce) {
        unknown.delete(longest[0]); // now: it leaves a turn later, and others come before
        longest[1](`it had not said who it is when ${atOnce} others had come after it`);
      }
      const left = new Promise<Stranger>((resolve) => {
        unknown.set(peer, (why) => resolve({ is: "stranger", why }));
      });
      const timer = setTimeout(() => unknown.get(peer)?.(`it said nothing for ${within} ms`), within);
      const heard = await Promise.race([known, left]);
      clearTimeout(timer);
      unknown.delete(peer);
      return heard;
    },
    dismiss(why) {
      for (const leave of unknown.values()) leave(why);
    },
  };
}
