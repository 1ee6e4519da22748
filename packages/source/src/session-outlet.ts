import { hash } from "node:crypto";

import type { Run } from "@blkmig/device";
import { encodeData, encodeHash, encodeHole, type SessionExtent } from "@blkmig/protocol";

import type { DiskWork } from "./disk-work.ts";
import type { Outlet } from "./outlet.ts";
import type { SessionLink } from "./session-link.ts";

/** How much a disk is asked about at first; a hole is a frame of its own whatever its length. */
const FIRST_ASK = 4 * 1024 * 1024 * 1024;
/** Bytes of disk that may be on their way. */
const WINDOW_BYTES = 64 * 1024 * 1024;
/** A wire is kept busy for so long: what waits behind it, a guest's mirrored write or a word of the commit, waits as long. */
const QUEUE_MS = 200;
/** Enough to keep disks and wire busy where nothing is far away; more would only leave the processor's cache before it is sent. */
const AMPLE_BYTES = 4 * 1024 * 1024;
/** Questions that may be on their way: each makes the sink read. */
const MOST_QUESTIONS = 64;

export interface SessionOutletParts {
  readonly unit: number;
  readonly frameBytes: number;
  /** The connection of now. Throws what ended the last one. */
  readonly link: () => SessionLink;
  readonly onTurn: () => void;
  readonly onPass: () => void;
}

/** A session's outlet; what was on its way when a connection broke rejects, and is sent again by the next one. */
export interface SessionOutlet extends Outlet {
  /** Another connection begins to count: its bytes come on top. */
  count(ended: SessionLink): void;
  /** Sends part of a disk as it is in memory, of any alignment. */
  mirrored(extent: SessionExtent, data: Uint8Array | "zero"): Promise<void>;
}

export function createSessionOutlet({ unit, frameBytes, link, onTurn, onPass }: SessionOutletParts): SessionOutlet {
  let transferred = 0;
  let acknowledged = 0;

  return {
    unit,
    get mostBytes() {
      return Math.min(frameBytes, link().welcome.frameBytes);
    },
    firstAsk: FIRST_ASK,
    mostAsk: Infinity,
    zeroes: true,
    get open() {
      const { unacknowledged, unanswered, welcome } = link();
      return unacknowledged < Math.min(WINDOW_BYTES, welcome.window) && unanswered < MOST_QUESTIONS;
    },
    mostUnderWay(bytesPerSecond, quickestMs) {
      const queued = (bytesPerSecond * (quickestMs + QUEUE_MS)) / 1000;
      const filled = (2 * bytesPerSecond * quickestMs) / 1000; // twice what is on its way, so that a wire which could take more shows
      return Math.max(2 * this.mostBytes, Math.min(queued, Math.max(AMPLE_BYTES, filled)));
    },
    get transferred() {
      return transferred + link().transferred;
    },
    get acknowledged() {
      return acknowledged + link().acknowledged;
    },
    data(work, run, buffer) {
      const frames = encodeData(extentOf(work, run), buffer.subarray(0, run.length), link().checksum);
      return link().carry(frames, run.length);
    },
    zero(work, run) {
      const frames = encodeHole(extentOf(work, run));
      return { ...link().carry(frames, 0), bytes: frames[0]?.length ?? 0 };
    },
    hash(work, run, bytes) {
      const extent = extentOf(work, run);
      const digest = bytes === "zero" ? bytes : hash("sha256", bytes, "buffer");
      return link().ask(extent, encodeHash(extent, digest));
    },
    begin() {}, // the handshake has
    endTurn: onTurn,
    endPass: onPass,
    last() {}, // commit is a conversation, not a frame
    count(ended) {
      transferred += ended.transferred;
      acknowledged += ended.acknowledged;
    },
    async mirrored(extent, data) {
      const frames = data === "zero" ? encodeHole(extent) : encodeData(extent, data, link().checksum);
      const { taken, landed } = link().carry(frames, data === "zero" ? 0 : extent.length);
      await taken;
      await landed;
    },
  };
}

function extentOf({ index }: DiskWork, { offset, length }: Run): SessionExtent {
  return { disk: index, offset, length };
}
