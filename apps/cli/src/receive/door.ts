import type { Connection, Listener } from "@blkmig/transport";

import { acquaint, type KnownSender } from "./acquaint.ts";
import { createSenderWire, type SenderWire } from "./sender-wire.ts";

export interface DoorOptions {
  readonly listener: Listener;
  /** How long a peer may take to say who it is. Milliseconds. */
  readonly within: number;
  /** How many may be waiting for that at once; who comes then is dropped. */
  readonly atOnce: number;
  /** Told of every peer that was dropped, and why. */
  readonly onDrop: (peer: string, why: string) => void;
}

/** Where peers arrive: one sender is let in at a time, strangers are sent away. */
export interface Door {
  /** The next sender; undefined once closed. The door is then shut to others. */
  next(): Promise<SenderWire | undefined>;
  /** While a session lives: whoever speaks it is handed to `take`, and others are dropped. Until `open()`. */
  admit(take: (wire: SenderWire) => void): void;
  /** Lets peers in again, after a sender has been dealt with. The first to be recognised waits for `next()`. */
  open(): void;
  close(): Promise<void>;
}

type DoorState =
  | { readonly is: "open" }
  | { readonly is: "shut" } // a migration is under way that nobody can join
  | { readonly is: "session"; readonly take: (wire: SenderWire) => void }
  | { readonly is: "closed" };

/** Opens the door; peers are looked at from now on. */
export function openDoor({ listener, within, atOnce, onDrop }: DoorOptions): Door {
  /** Peers that have not said who they are, each with its way out. */
  const unknown = new Map<Connection, (why: string) => void>();
  let state: DoorState = { is: "open" };
  let guest: SenderWire | undefined;
  let deliver: ((guest: SenderWire | undefined) => void) | undefined;

  const drop = (peer: Connection, why: string): void => {
    peer.destroy();
    onDrop(peer.peer, why);
  };

  const shut = (why: string): void => {
    for (const leave of unknown.values()) leave(why);
  };

  const letIn = (arrived: SenderWire): void => {
    state = { is: "shut" };
    if (deliver) deliver(arrived);
    else guest = arrived;
    shut("another sender came first");
  };

  const receive = (peer: Connection, known: KnownSender): void => {
    if (state.is === "open") letIn(createSenderWire(peer, known, true));
    else if (state.is !== "session") drop(peer, "another sender came first");
    else if (known.speaks === "session") state.take(createSenderWire(peer, known, true));
    else drop(peer, "another migration is under way, and this sender speaks no session");
  };

  const meet = async (peer: Connection): Promise<void> => {
    const left = new Promise<{ is: "stranger"; why: string }>((resolve) => {
      unknown.set(peer, (why) => resolve({ is: "stranger", why }));
    });
    const timer = setTimeout(() => unknown.get(peer)?.(`it said nothing for ${within} ms`), within);
    const known = await Promise.race([acquaint(peer), left]);
    clearTimeout(timer);
    unknown.delete(peer);
    if (known.is === "stranger") drop(peer, known.why);
    else receive(peer, known);
  };

  const welcome = async (): Promise<void> => {
    for (let peer = await listener.accept(); peer; peer = await listener.accept()) {
      if (state.is === "shut") drop(peer, "a migration is under way");
      else if (unknown.size >= atOnce) drop(peer, `${atOnce} others have not yet said who they are`);
      else void meet(peer);
    }
  };
  void welcome();

  return {
    next() {
      if (guest || state.is === "closed") {
        const arrived = guest;
        guest = undefined;
        return Promise.resolve(arrived);
      }
      return new Promise((resolve) => {
        deliver = (arrived) => {
          deliver = undefined;
          resolve(arrived);
        };
      });
    },
    admit(take) {
      if (state.is !== "closed") state = { is: "session", take };
    },
    open() {
      if (state.is !== "closed" && !guest) state = { is: "open" };
    },
    async close() {
      if (state.is === "closed") return;
      state = { is: "closed" };
      deliver?.(undefined);
      guest?.destroy();
      guest = undefined;
      shut("the receiver stops listening");
      await listener.close();
    },
  };
}
