import { ConnectionStop, Refused } from "./connection-stop.ts";
import type { SinkWire } from "./load-options.ts";
import { Refusal } from "./refusal.ts";
import type { SessionOffer } from "./session-contract.ts";
import type { Migration } from "./session-migration.ts";
import { type Hello, isSameOffer, offerOf } from "./session-offer.ts";
import type { Peer } from "./session-peer.ts";

/** One connection that is let in, or asks to be. */
export interface Caller {
  /** In the order of `take()`: the newest wins. */
  readonly number: number;
  readonly wire: SinkWire & { destroy?(reason?: Error): void };
  readonly peer: Peer;
  /** Nothing is being written for it any more. */
  readonly settled: Promise<void>;
}

/** Lets in one connection at a time, of one migration: the first that is offered. */
export interface Admission {
  /** Once its targets are open. */
  readonly migration: Migration | undefined;
  /** Who was let in last, while it is there. */
  readonly current: Caller | undefined;
  /** Settles when the caller may be welcomed: nobody else speaks any more. Throws `Refused`, or `Refusal` from opening. */
  admit(caller: Caller, hello: Hello): Promise<Migration>;
  /** Settles when nobody is being let in, and who was let in has settled. */
  settled(): Promise<void>;
  leave(caller: Caller): void;
}

export interface AdmissionParts {
  readonly open: (offer: SessionOffer) => Promise<Migration>;
  /** Whether the session ends, or has ended. */
  readonly isOver: () => boolean;
  /** The targets could not be opened: nobody after this one is let in. */
  readonly onRefusal: (refusal: Refusal) => void;
}

export function createAdmission({ open, isOver, onRefusal }: AdmissionParts): Admission {
  let migration: Migration | undefined;
  let current: Caller | undefined;
  let source: string | undefined;
  let newest = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** Who asks to be let in is judged one after the other. */
  const inTurn = async <T>(act: () => Promise<T>): Promise<T> => {
    const result = turn.then(act);
    turn = result.catch(() => {});
    return result;
  };

  const openFirst = async (offer: SessionOffer): Promise<Migration> => {
    try {
      return await open(offer);
    } catch (error) {
      if (error instanceof Refusal) onRefusal(error); // in this turn: the next one must find it
      throw error;
    }
  };

  /** An older connection is read no more, and what it began has settled. */
  const fence = async (): Promise<void> => {
    if (!current) return;
    const why = new ConnectionStop({ how: "cut", why: "a newer connection took its place" });
    current.peer.stop.stop(why);
    current.wire.destroy?.(why);
    await current.settled;
  };

  const assertGoesOn = (): void => {
    if (isOver()) throw new Refused("over", "the migration is over here");
  };

  const admit = async (caller: Caller, hello: Hello): Promise<Migration> => {
    assertGoesOn();
    const offer = offerOf(hello);
    migration ??= await openFirst(offer);
    if (!isSameOffer(migration.offer, offer)) throw new Refused("busy", whyNot(migration.offer, offer));
    if (caller.number < newest) throw new Refused("superseded", "a newer connection was faster");
    await fence();
    assertGoesOn();
    newest = caller.number;
    current = caller;
    if (source !== undefined && source !== hello.source) migration.distrust();
    source = hello.source;
    return migration;
  };

  return {
    get migration() {
      return migration;
    },
    get current() {
      return current;
    },
    admit: async (caller, hello) => inTurn(async () => admit(caller, hello)),
    async settled() {
      await inTurn(async () => {});
      await current?.settled;
    },
    leave(caller) {
      if (current === caller) current = undefined;
    },
  };
}

/** A sender in doubt must not read that its migration is not the one here. */
function whyNot(begun: SessionOffer, offered: SessionOffer): string {
  if (begun.migration !== offered.migration) return "another migration is under way here";
  return "this migration began here with other disks, another granularity, or otherwise cloned or incremental: it must be offered as it began";
}
