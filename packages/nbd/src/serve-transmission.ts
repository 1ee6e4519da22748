import type { Connection } from "@blkmig/transport";

import { NbdError } from "./nbd-error.ts";
import { createAnswers, MOST_REPLY_HEADER_BYTES } from "./serve-answers.ts";
import { createDeferred } from "./serve-deferred.ts";
import { type DeviceRequest, memoryFor, performRequest } from "./serve-request.ts";
import { createSlots } from "./serve-slots.ts";
import { type CheckedRequest, checkRequest } from "./server-check.ts";
import { refusalOf } from "./server-errors.ts";
import type { Lease, MemoryShare } from "./server-memory.ts";
import type { Agreement } from "./server-negotiation.ts";
import { createReplyOutbox } from "./server-outbox.ts";
import { createRequestDecoder, type NbdRequest, type RequestFrame } from "./server-requests.ts";

export interface TransmissionParts {
  readonly connection: Connection;
  readonly agreement: Agreement;
  readonly memory: MemoryShare;
  /** Requests under way at once; more are not read. */
  readonly requests: number;
}

/** The requests of one client that has its export. */
export interface Transmission {
  /** Whether anything that it asked for was begun at the device. */
  readonly hasBegun: boolean;
  /** Settles when nothing more is asked: undefined after a goodbye, else why. Throws what the wire throws, and `NbdError` `protocol`. */
  readonly asked: Promise<string | undefined>;
  /** Settles when the wire has ended or is broken. What comes after the last request is read and thrown away. Never throws. */
  readonly ended: Promise<void>;
  /** Nothing more is taken from the wire; what has been is answered. */
  stop(why: string): void;
  /** The wire is of no use any more: nothing new is begun at the device. */
  abandon(): void;
  /** Settles when nothing is under way at the device, and every reply has left or never will. */
  quiet(): Promise<void>;
}

/** A write of this much that is refused is passed over; one that is longer ends the conversation. */
const MOST_PASSED_BYTES = 64 * 1024 * 1024;
const DISCARD_BYTES = 4096;

/** A write whose payload is still coming, and what becomes of it then. A refused one is passed over. */
interface Landing {
  readonly request: NbdRequest;
  readonly checked: Extract<CheckedRequest, { readonly do: "write" | "refuse" }>;
  readonly lease: Lease | undefined;
}

/** Begins to read requests, to do them side by side, and to answer each when it is done. */
export function createTransmission({ connection, agreement, memory, requests }: TransmissionParts): Transmission {
  const { device } = agreement.served;
  const decoder = createRequestDecoder(connection.peer);
  const slots = createSlots(requests);
  const asked = createDeferred<string | undefined>();
  const outbox = createReplyOutbox({
    send: async (data) => connection.send(data),
    headerBytes: requests * MOST_REPLY_HEADER_BYTES,
    onFailure(reason) {
      asked.reject(reason);
      abandon();
      connection.destroy();
    },
  });
  const answers = createAnswers(outbox, agreement.structured);
  let landing: Landing | undefined;
  let hasBegun = false;
  let isOver = false;
  let isGone = false;

  function abandon(): void {
    isOver = true;
    isGone = true;
    memory.leave();
  }

  function take(frame: RequestFrame): Promise<void> | undefined {
    if (frame.type === "payload") return landed();
    const { request } = frame;
    const checked = checkRequest(request, agreement);
    if (checked.do === "leave") return goodbye();
    if (slots.tryTake()) return admit(request, checked);
    return slots.take().then(async () => admit(request, checked));
  }

  function goodbye(): undefined {
    isOver = true;
    asked.resolve(undefined);
  }

  function landed(): undefined {
    if (!landing) return;
    const { request, checked, lease } = landing;
    landing = undefined;
    // Only now: a client takes no reply to what it has not wholly sent.
    if (checked.do === "refuse") answers.refused(request, checked, slots.give);
    else void perform(request, checked, lease);
  }

  function admit(request: NbdRequest, checked: CheckedRequest): Promise<void> | undefined {
    if (checked.do === "leave") return goodbye();
    if (checked.do === "refuse") return refuse(request, checked);
    const bytes = memoryFor(checked);
    const lease = bytes > 0 ? memory.tryTake(bytes) : undefined;
    if (lease || bytes === 0) return begin(request, checked, lease);
    return memory.take(bytes).then((given) => {
      if (given) begin(request, checked, given);
      else slots.give();
    });
  }

  function refuse(request: NbdRequest, checked: Extract<CheckedRequest, { readonly do: "refuse" }>): undefined {
    if (!decoder.isLanding) {
      answers.refused(request, checked, slots.give);
      return;
    }
    if (request.length > MOST_PASSED_BYTES) {
      slots.give(); // it will never be answered, and whoever ends this waits for what is under way
      throw new NbdError("protocol", connection.peer, `a write of ${request.length} bytes is too long to be refused`);
    }
    decoder.pass();
    landing = { request, checked, lease: undefined };
  }

  function begin(request: NbdRequest, checked: DeviceRequest, lease: Lease | undefined): undefined {
    if (checked.do !== "write" || !lease) return void perform(request, checked, lease);
    landing = { request, checked, lease };
    if (isOver) return dropLanding();
    decoder.land(lease.pieces);
  }

  function dropLanding(): undefined {
    if (!landing) return;
    forget(landing.lease);
    landing = undefined;
  }

  async function perform(request: NbdRequest, checked: DeviceRequest, lease: Lease | undefined): Promise<void> {
    if (isGone) return forget(lease);
    hasBegun = true;
    try {
      const runs = await performRequest(device, checked, lease, () => !isGone);
      if (checked.do === "read" && lease) return answers.data(request, lease, slots.give);
      lease?.give();
      if (runs) answers.status(request, runs, slots.give);
      else answers.done(request, slots.give);
    } catch (reason) {
      lease?.give();
      answers.refused(request, refusalOf(reason), slots.give);
    }
  }

  function forget(lease: Lease | undefined): void {
    lease?.give();
    slots.give();
  }

  async function readRequests(): Promise<string | undefined> {
    for (;;) {
      const bytes = await connection.read(decoder.want());
      if (isOver) return undefined;
      if (bytes === 0) return `it went away ${decoder.isBetween ? "without a goodbye" : "in the middle of a request"}`;
      decoder.accept(bytes);
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        const waits = take(frame);
        if (waits) await waits;
        if (isOver) return undefined;
      }
    }
  }

  async function discardRest(): Promise<void> {
    const scratch = new Uint8Array(DISCARD_BYTES);
    while (isOver && !isGone && (await connection.read(scratch)) > 0);
  }

  async function readAll(): Promise<void> {
    try {
      asked.resolve(await readRequests());
      dropLanding(); // here, not in stop(): until the read settled, the wire might have written into its memory
      await discardRest();
    } catch (reason) {
      asked.reject(reason); // a wire that breaks after the last request was asked for is no news
      abandon();
      dropLanding();
    }
  }

  const ended = readAll();
  asked.promise.catch(() => {}); // whoever asks later hears of it
  return {
    get hasBegun() {
      return hasBegun;
    },
    asked: asked.promise,
    ended,
    stop(why) {
      isOver = true;
      asked.resolve(why);
    },
    abandon,
    quiet: async () => slots.idle(() => (isOver && landing ? 1 : 0)),
  };
}
