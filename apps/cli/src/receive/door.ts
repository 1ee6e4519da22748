import type { Connection, Listener } from "@blkmig/transport";

import { createNewcomers, type NewcomersOptions } from "../newcomers.ts";
import { acquaint, type KnownSender } from "./acquaint.ts";
import { createSenderWire, type SenderWire } from "./sender-wire.ts";

export interface DoorOptions extends NewcomersOptions {
  readonly listener: Listener;
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
  const newcomers = createNewcomers({ within, atOnce });
  let state: DoorState = { is: "open" };
  let guest: SenderWire | undefined;
  let deliver: ((guest: SenderWire | undefined) => void) | undefined;

  const drop = (peer: Connection, why: string): void => {
    peer.destroy();
    onDrop(peer.peer, why);
  };

  const letIn = (arrived: SenderWire): void => {
    state = { is: "shut" };
    if (deliver) deliver(arrived);
    else guest = arrived;
    newcomers.dismiss("another sender came first");
  };

  const receive = (peer: Connection, known: KnownSender): void => {
    if (state.is === "open") letIn(createSenderWire(peer, known, true));
    else if (state.is !== "session") drop(peer, "another sender came first");
    else if (known.speaks === "session") state.take(createSenderWire(peer, known, true));
    else drop(peer, "another migration is under way, and this sender speaks no session");
  };

  const meet = async (peer: Connection): Promise<void> => {
    const known = await newcomers.hear(peer, acquaint(peer));
    if (known.is === "stranger") drop(peer, known.why);
    else receive(peer, known);
  };

  const welcome = async (): Promise<void> => {
    for (let peer = await listener.accept(); peer; peer = await listener.accept()) {
      if (state.is === "shut") drop(peer, "a migration is under way");
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
      newcomers.dismiss("the receiver stops listening");
      await listener.close();
    },
  };
}
