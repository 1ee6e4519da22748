import type { Connection, Listener } from "@blkmig/transport";

import { acquaint } from "./acquaint.ts";
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
  next(): Promise<{ readonly peer: string; readonly wire: SenderWire } | undefined>;
  /** Lets peers in again, after a sender has been dealt with. The first to be recognised waits for `next()`. */
  open(): void;
  close(): Promise<void>;
}

type Guest = { readonly peer: string; readonly wire: SenderWire };

/** Opens the door; peers are looked at from now on. */
export function openDoor({ listener, within, atOnce, onDrop }: DoorOptions): Door {
  /** Peers that have not said who they are, each with its way out. */
  const unknown = new Map<Connection, (why: string) => void>();
  let state: "open" | "shut" | "closed" = "open";
  let guest: Guest | undefined;
  let admit: ((guest: Guest | undefined) => void) | undefined;

  const drop = (peer: Connection, why: string): void => {
    peer.destroy();
    onDrop(peer.peer, why);
  };

  const shut = (why: string): void => {
    for (const leave of unknown.values()) leave(why);
  };

  const letIn = (arrived: Guest): void => {
    state = "shut";
    if (admit) admit(arrived);
    else guest = arrived;
    shut("another sender came first");
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
    else if (state !== "open") drop(peer, "another sender came first");
    else letIn({ peer: peer.peer, wire: createSenderWire(peer, known, true) });
  };

  const welcome = async (): Promise<void> => {
    for (let peer = await listener.accept(); peer; peer = await listener.accept()) {
      if (state === "shut") drop(peer, "a migration is under way");
      else if (unknown.size >= atOnce) drop(peer, `${atOnce} others have not yet said who they are`);
      else void meet(peer);
    }
  };
  void welcome();

  return {
    next() {
      if (guest || state === "closed") {
        const arrived = guest;
        guest = undefined;
        return Promise.resolve(arrived);
      }
      return new Promise((resolve) => {
        admit = (arrived) => {
          admit = undefined;
          resolve(arrived);
        };
      });
    },
    open() {
      if (state === "shut" && !guest) state = "open";
    },
    async close() {
      if (state === "closed") return;
      state = "closed";
      admit?.(undefined);
      guest?.wire.destroy();
      guest = undefined;
      shut("the receiver stops listening");
      await listener.close();
    },
  };
}
