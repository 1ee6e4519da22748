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
  /**
   * The next sender; undefined once closed. The door is then shut to others; but whoever comes after one that speaks a session waits
   * for `admit()` or `open()`: it may mean well, and the one before it be a stranger.
   */
  next(): Promise<SenderWire | undefined>;
  /** While a session lives: whoever speaks it is handed to `take`, and others are dropped. Until `open()`. */
  admit(take: (wire: SenderWire) => void): void;
  /** Lets peers in again, after a sender has been dealt with. The first to be recognised waits for `next()`. */
  open(): void;
  close(): Promise<void>;
}

/** A sender that came while the door was busy. */
type Waiting = { readonly peer: Connection; readonly known: KnownSender };

type DoorState =
  | { readonly is: "open" }
  | { readonly is: "shut" } // a migration is under way that nobody can join
  | { readonly is: "busy"; readonly waiting: Waiting[] } // a session has begun, and who takes it has not yet said whom it admits
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
    state = arrived.speaks === "session" ? { is: "busy", waiting: [] } : { is: "shut" };
    if (deliver) deliver(arrived);
    else guest = arrived;
    if (state.is === "shut") newcomers.dismiss("another sender came first");
  };

  const wait = (waiting: Waiting[], arrived: Waiting): void => {
    waiting.push(arrived);
    if (waiting.length <= atOnce) return;
    drop(waiting.shift()!.peer, `${atOnce} others came after it, and another sender came first`);
  };

  const receive = (peer: Connection, known: KnownSender): void => {
    if (state.is === "open") letIn(createSenderWire(peer, known, true));
    else if (state.is === "busy") wait(state.waiting, { peer, known });
    else if (state.is !== "session") drop(peer, "another sender came first");
    else if (known.speaks === "session") state.take(createSenderWire(peer, known, true));
    else drop(peer, "another migration is under way, and this sender speaks no session");
  };

  const change = (next: DoorState): void => {
    const waiting = state.is === "busy" ? state.waiting : [];
    state = next;
    for (const { peer, known } of waiting) receive(peer, known);
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
      if (state.is !== "closed") change({ is: "session", take });
    },
    open() {
      if (state.is !== "closed" && !guest) change({ is: "open" });
    },
    async close() {
      if (state.is === "closed") return;
      change({ is: "closed" });
      deliver?.(undefined);
      guest?.destroy();
      guest = undefined;
      newcomers.dismiss("the receiver stops listening");
      await listener.close();
    },
  };
}
