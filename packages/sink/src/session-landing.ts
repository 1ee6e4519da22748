import type { BufferPool } from "@blkmig/device/memory";
import { encodeAnswer, type SessionExtent, type SessionFrame } from "@blkmig/protocol";

import { ConnectionStop, cut } from "./connection-stop.ts";
import type { LandedPrefix } from "./landed-prefix.ts";
import { isEqual } from "./read-back.ts";
import { Refusal } from "./refusal.ts";
import type { SessionBuffers } from "./session-buffers.ts";
import type { Migration } from "./session-migration.ts";
import type { Peer } from "./session-peer.ts";
import { admit, believe, type SessionTarget } from "./session-target.ts";
import { landData, landZeroes } from "./target.ts";
import { createWorkInHand } from "./work-in-hand.ts";

/** Writes, zeroes and hashes begun and not settled. */
const MAX_WORK = 128;

type FrameOf<Type> = Extract<SessionFrame, { readonly type: Type }>;

/** Puts one connection's frames on disks. Each gives a promise where the wire must wait before the next one. */
export interface Landing {
  /** A payload's header came: its place is checked before it costs a buffer. */
  prepare(frame: SessionExtent): Promise<void> | undefined;
  data(frame: FrameOf<"data">): Promise<void> | undefined;
  hole(frame: SessionExtent): Promise<void>;
  hash(frame: FrameOf<"hash">): Promise<void>;
  /** Settles when nothing is being written or read any more. */
  allSettled(): Promise<void>;
}

export interface LandingParts {
  readonly migration: Migration;
  readonly peer: Peer;
  readonly landed: LandedPrefix;
  readonly buffers: SessionBuffers;
}

export function createLanding({ migration, peer, landed, buffers }: LandingParts): Landing {
  const { stop } = peer;
  const work = createWorkInHand(MAX_WORK);
  work.onFailure((reason) => stop.stop(failureOf(reason)));
  const check = (): void => stop.check();
  let beginning: Promise<void> | undefined;
  let isBegun = false;
  let lastAnswer: Promise<void> = Promise.resolve();
  let landing: Uint8Array | undefined; // the pool's buffer under the payload that is coming

  const targetOf = ({ disk, offset, length }: SessionExtent): SessionTarget => {
    const target = migration.targets[disk];
    if (!target) throw cut(`a frame of disk ${disk}, and there are ${migration.targets.length}`);
    const { size } = target.device;
    if (offset <= size && length <= size - offset) return target;
    throw cut(`disk '${target.name}': ${length} bytes at ${offset} leave the disk of ${size} bytes`);
  };

  /** INCOMPLETE is recorded before anything is written. */
  const begin = async (): Promise<void> => {
    if (isBegun) return;
    beginning = migration.begin();
    await beginning;
    isBegun = true;
    check(); // stopped meanwhile: nothing new is begun
  };

  const place = (buffer: Uint8Array): void => {
    landing = buffer;
    peer.land(buffer);
  };

  const placeLater = async (pool: BufferPool): Promise<void> => {
    await begin();
    place(pool.tryTake() ?? (await stop.unlessStopped(pool.take())));
  };

  const land = (target: SessionTarget, { offset, length }: SessionExtent, write: () => Promise<void>) => {
    const nth = landed.receive();
    admit(target, offset, length);
    return work.begin(write().then(() => landed.land(nth)));
  };

  const landAndGiveBack = async (
    target: SessionTarget,
    { offset, length, data }: FrameOf<"data">,
    from: Uint8Array,
  ) => {
    try {
      await landData(target, offset, data);
    } finally {
      buffers.payload(length).give(from);
    }
  };

  const compare = async (target: SessionTarget, frame: FrameOf<"hash">, buffer: Uint8Array): Promise<boolean> => {
    const { offset, length, digest } = frame;
    return target.order
      .run(offset, length, async () => {
        const isSame = await isEqual(target.device, frame, digest, { buffer, check });
        if (isSame) believe(target, offset, length); // in its turn: a later write of this extent un-verifies it
        return isSame;
      })
      .finally(() => buffers.readBack.give(buffer));
  };

  /** Read back side by side, answered in the order in which they were asked. */
  const answerInTurn = (frame: FrameOf<"hash">, equal: Promise<boolean>): Promise<void> => {
    const before = lastAnswer;
    const answer = async (): Promise<void> => {
      const isSame = await equal;
      await before;
      await stop.unlessStopped(peer.outbox.say(encodeAnswer(frame, isSame)));
    };
    lastAnswer = answer();
    return lastAnswer;
  };

  return {
    prepare(frame) {
      targetOf(frame);
      const pool = buffers.payload(frame.length);
      const buffer = isBegun ? pool.tryTake() : undefined;
      if (!buffer) return placeLater(pool);
      place(buffer);
      return undefined;
    },
    data(frame) {
      const target = targetOf(frame);
      const from = landing!;
      landing = undefined;
      return land(target, frame, async () => landAndGiveBack(target, frame, from));
    },
    async hole(frame) {
      const target = targetOf(frame);
      await begin();
      const zeroes = async (): Promise<void> => landZeroes(target, frame.offset, frame.length, check);
      await land(target, frame, zeroes);
    },
    async hash(frame) {
      const target = targetOf(frame);
      if (!target.askable.all(frame.offset, frame.length)) {
        throw cut(`disk '${target.name}': a hash of ${frame.length} bytes at ${frame.offset}, which nobody spoke of`);
      }
      const buffer = await stop.unlessStopped(buffers.readBack.take());
      await work.begin(answerInTurn(frame, compare(target, frame, buffer)));
    },
    async allSettled() {
      await beginning?.catch(() => {}); // whoever asked for it was told
      await work.allSettled();
    },
  };
}

/** What a disk's failure is to the session; what was stopped, or what a broken wire did not take, is none. */
function failureOf(reason: unknown): Error {
  if (reason instanceof Refusal || reason instanceof ConnectionStop) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  return new Refusal("device", message, { cause: reason });
}
