import type { SeededRandom } from "@blkmig/testkit";
import type { Connection } from "@blkmig/transport";

export interface DangerousWire {
  readonly near: Connection;
  readonly far: Connection;
  /** From now on everything is swallowed, and nobody is told: each end lives until it lets go by itself. */
  goSilent(): void;
}

export interface WireDangers {
  readonly random: SeededRandom;
  /** How likely each read brings a bit that is not as it was sent, 0 to 1. */
  readonly flips: number;
  readonly onFlip: () => void;
}

/** One for each that waits: a promise that all waited for would keep them all in memory. */
const never = (): Promise<never> => new Promise(() => {});

/** A wire that may fall silent, and on which bits flip. Bytes are neither lost, doubled nor put in another order before that. */
export function dangerousWire([a, b]: readonly [Connection, Connection], dangers: WireDangers): DangerousWire {
  let isSilent = false;
  const silent = (): boolean => isSilent;
  return {
    near: dangerousEnd(a, silent, dangers),
    far: dangerousEnd(b, silent, dangers),
    goSilent() {
      isSilent = true;
    },
  };
}

function dangerousEnd(end: Connection, isSilent: () => boolean, { random, flips, onFlip }: WireDangers): Connection {
  const letGo = new AbortController();
  const gone = new Promise<never>((_, reject) => {
    letGo.signal.addEventListener("abort", () => reject(letGo.signal.reason as Error), { once: true });
  });
  gone.catch(() => {}); // whoever waits hears of it

  /** What the wire says, while it says anything; and what this end does to itself. */
  const heard = async <T>(said: Promise<T>): Promise<T> => {
    const unlessSilent = said.then(
      (value) => (isSilent() ? never() : value),
      (error: unknown) => {
        if (isSilent()) return never();
        throw error;
      },
    );
    return Promise.race([unlessSilent, gone]);
  };

  return {
    peer: end.peer,
    async read(into) {
      const arrived = new Uint8Array(into.length); // what arrives after it fell silent must not reach memory that was given back
      const bytes = await heard(isSilent() ? never() : end.read(arrived));
      into.set(arrived.subarray(0, bytes));
      if (bytes === 0 || random.next() >= flips) return bytes;
      into[random.int(bytes)]! ^= 1 << random.int(8);
      onFlip();
      return bytes;
    },
    send: (data) => heard(isSilent() ? never() : end.send(data)),
    finish: () => heard(isSilent() ? never() : end.finish()),
    destroy(reason) {
      end.destroy(reason);
      if (isSilent()) letGo.abort(reason ?? new Error("destroyed"));
    },
  };
}
