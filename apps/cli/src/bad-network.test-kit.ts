import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";

import { createRandom, type SeededRandom } from "@blkmig/testkit";

import type { Watch, Way } from "./relay.test-kit.ts";
import type { MoveOptions } from "./session-move.test-kit.ts";

/** What a network does to a migration, and to what migration. The same for the same number. */
export interface NetworkPlan {
  readonly seed: number;
  readonly move: Required<Pick<MoveOptions, "wire" | "target" | "options">>;
  /** How small the pieces are that something is passed on in; what is left of a long chunk follows whole. */
  readonly pieces: "bytes" | "some" | "whole";
  /** Milliseconds at most, before each chunk. */
  readonly delay: number;
  /** Behind how many bytes from the sender the connection breaks, over all of them. */
  readonly cuts: readonly number[];
  /** A cut of the second connection, wherever it is then: in its handshake, perhaps. */
  readonly again: { readonly way: Way; readonly byte: number } | undefined;
  readonly stall: Stall | undefined;
}

/** Behind so many bytes from the sender it carries no more in some directions. */
interface Stall {
  readonly byte: number;
  readonly ways: readonly Way[];
  /** For so many milliseconds nothing is taken; or for good, and everything is taken and none of it given. */
  readonly for: number | "good";
}

/** What is made of a plan. */
export interface BadNetwork {
  readonly watch: Watch;
  /** What it did, such as "3 cuts"; splits and delays do not count. */
  readonly struck: readonly string[];
}

/** No connection breaks before that: a first one that does ends the migration before it has begun. */
const BEGUN = 64 * 1024;
/** In the first MiB of a disk, which is always sent. */
const WITHIN = 900 * 1024;
/** Of a chunk: single bytes of all of a disk would take hours. */
const MOST_PIECES = 48;
const BOTH: readonly Way[] = ["there", "back"];

export function planNetwork(seed: number): NetworkPlan {
  const random = createRandom(31_000 + seed);
  const behind = (): number => BEGUN + random.int(WITHIN);
  // They wait for time-outs of half a minute: no more of them than that.
  const isDead = seed % 10 === 7;
  const hasCuts = isDead || random.int(4) > 0;
  return {
    seed,
    move: {
      wire: random.pick(["tcp", "ws", "tls", "wss", "unix"]),
      target: random.pick(["garbage", "nothing"]),
      options: random.pick([[], ["--no-verify"], ["--granularity", "4K"]]),
    },
    pieces: random.pick(["bytes", "bytes", "some", "whole"]),
    delay: random.pick([0, 1, 6]),
    cuts: hasCuts ? Array.from({ length: 1 + random.int(3) }, behind).toSorted((a, b) => a - b) : [],
    again: hasCuts && random.int(2) === 0 ? { way: random.pick(BOTH), byte: random.int(4096) } : undefined,
    stall:
      isDead || random.int(2) === 0
        ? {
            byte: behind(),
            ways: random.pick([["there"], ["back"], BOTH]),
            for: isDead ? "good" : 50 + random.int(400),
          }
        : undefined,
  };
}

export function describeNetwork({ move, pieces, delay, cuts, again, stall }: NetworkPlan): string {
  const { wire, target, options } = move;
  const does = [
    pieces === "whole" ? [] : [pieces === "bytes" ? "single bytes" : "pieces"],
    delay > 0 ? [`up to ${delay} ms late`] : [],
    cuts.length > 0 ? [`cut behind ${cuts.join(", ")} bytes`] : [],
    again ? [`and the next one behind ${again.byte} ${again.way}`] : [],
    stall ? [`${stall.ways.join(" and ")} stalled behind ${stall.byte} for ${describeTime(stall)}`] : [],
  ].flat();
  return `${[wire, ...options].join(" ")}, ${target} at the target: ${does.join(", ")}`;
}

const describeTime = ({ for: time }: Stall): string => (time === "good" ? "good" : `${time} ms`);

export function createBadNetwork({ seed, pieces, delay, ...plan }: NetworkPlan): BadNetwork {
  const random = createRandom(seed);
  const struck: string[] = [];
  const cuts = [...plan.cuts];
  const ofSecond = { there: 0, back: 0 };
  let { again, stall } = plan;
  /** The connection that is stalled, and until when. */
  let stalled: { readonly connection: number; readonly by: Stall; readonly over: Promise<unknown> } | undefined;

  const strike = (what: string): void => void struck.push(what);
  const cutAt = (way: Way, end: number, connection: number): string | undefined => {
    if (way === "there" && cuts.length > 0 && cuts[0]! <= end) return `cut behind ${cuts.shift()} bytes`;
    if (connection === 2 && again?.way === way && again.byte <= ofSecond[way]) {
      const { byte } = again;
      again = undefined;
      return `cut behind ${byte} bytes ${way} of the second connection`;
    }
    return undefined;
  };
  const stallAt = (way: Way, end: number, connection: number): void => {
    if (!stall || way !== "there" || end < stall.byte) return;
    stalled = { connection, by: stall, over: stall.for === "good" ? Promise.resolve() : wait(stall.for) };
    strike(stall.for === "good" ? "stalled for good" : "stalled");
    stall = undefined;
  };

  async function* watch(way: Way, chunk: Buffer, at: number, connection: number): AsyncIterable<Buffer> {
    if (connection === 2) ofSecond[way] += chunk.length;
    stallAt(way, at + chunk.length, connection);
    if (stalled?.connection === connection && stalled.by.ways.includes(way)) {
      if (stalled.by.for === "good") return;
      await stalled.over;
    }
    if (delay > 0) await wait(random.int(delay + 1));
    const cut = cutAt(way, at + chunk.length, connection);
    const passedOn = cut === undefined ? chunk : chunk.subarray(0, random.int(chunk.length));
    for (const piece of split(passedOn, pieces, random)) {
      yield piece;
      await turn(); // what is written in one turn may arrive as one
    }
    if (cut === undefined) return;
    strike("cut");
    throw new Error(cut); // which is how a relay breaks one connection
  }
  return { watch, struck };
}

function* split(chunk: Buffer, pieces: NetworkPlan["pieces"], random: SeededRandom): Iterable<Buffer> {
  if (pieces === "whole") return yield chunk;
  let at = 0;
  for (let count = 0; count < MOST_PIECES && at < chunk.length; count++) {
    const length = pieces === "bytes" ? 1 : 1 + random.int(random.pick([4, 64, 1500]));
    yield chunk.subarray(at, at + length);
    at += length;
  }
  if (at < chunk.length) yield chunk.subarray(at);
}
