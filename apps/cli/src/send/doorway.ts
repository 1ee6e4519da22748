import type { Segments } from "@blkmig/protocol";
import type { Connection, Listener } from "@blkmig/transport";

import { aborted } from "../interruption.ts";
import { createNewcomers, type NewcomersOptions } from "../newcomers.ts";
import { hearReceiver } from "./hear-receiver.ts";

export interface DoorwayOptions extends NewcomersOptions {
  readonly listener: Pick<Listener, "accept">;
  /** Told of every caller that was dropped, and why. */
  readonly onDrop: (peer: string, why: string) => void;
}

/** Where receivers dial. */
export interface Doorway {
  /** Settles when somebody has dialled, who is kept for `next` and `hear`. False when the signal aborts. */
  arrived(signal: AbortSignal): Promise<boolean>;
  /** Whoever dialled first: on a wire that nobody answers he is the receiver. Undefined when the signal aborts. */
  next(signal: AbortSignal): Promise<Connection | undefined>;
  /**
   * Says the opening of a session to all who dial, several at once, and gives the first that answers as a receiver does; all others
   * are dropped. Undefined when the signal aborts.
   */
  hear(opening: Segments, signal: AbortSignal): Promise<Connection | undefined>;
}

export function createDoorway({ listener, within, atOnce, onDrop }: DoorwayOptions): Doorway {
  /** Kept over a wait that ended in vain: whoever dials later must not get lost. */
  let arriving: Promise<Connection | undefined> | undefined;

  /** Without taking him: that is `take`'s. */
  const waitFor = async (signal: AbortSignal): Promise<Connection | undefined> => {
    arriving ??= listener.accept();
    const over = new AbortController();
    try {
      return await Promise.race([arriving, aborted(signal, over.signal).then(() => undefined)]);
    } finally {
      over.abort(); // or a signal that lives long would keep each of these
    }
  };

  const take = async (signal: AbortSignal): Promise<Connection | undefined> => {
    const connection = await waitFor(signal);
    if (connection) arriving = undefined;
    return connection;
  };

  return {
    arrived: async (signal) => (await waitFor(signal)) !== undefined,
    next: take,
    async hear(opening, signal) {
      const newcomers = createNewcomers({ within, atOnce });
      const found = new AbortController();
      const over = AbortSignal.any([signal, found.signal]);
      const hearing = new Set<Promise<void>>();
      let receiver: Connection | undefined;

      const meet = async (caller: Connection): Promise<void> => {
        const known = await newcomers.hear(caller, hearReceiver(caller, opening));
        if (known.is === "receiver" && !over.aborted) {
          receiver = known.connection;
          found.abort();
          return newcomers.dismiss("another receiver came first");
        }
        caller.destroy();
        onDrop(caller.peer, known.is === "stranger" ? known.why : "another receiver came first");
      };

      for (let caller = await take(over); caller; caller = await take(over)) {
        const meeting = meet(caller).finally(() => hearing.delete(meeting));
        hearing.add(meeting);
      }
      newcomers.dismiss("the sender waits no longer");
      await Promise.all(hearing);
      return receiver;
    },
  };
}
