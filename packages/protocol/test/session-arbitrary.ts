import type { SessionMessage } from "@blkmig/protocol";
import fc from "fast-check";

import type { NaiveSessionFrame } from "./naive-session.ts";

const id = fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/);
const whole = fc.oneof(fc.nat(5), fc.maxSafeNat());
const attempt = fc.integer({ min: 1, max: 9 });
const text = fc.string({ unit: "binary", maxLength: 40 });
const features = fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 4 });
const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 20 })
  .filter((chars) => chars.isWellFormed() && new TextEncoder().encode(chars).length <= 255);
const disks = fc.uniqueArray(
  fc.record(
    {
      name,
      size: fc.integer({ min: 1, max: 2 ** 40 }).map((sectors) => sectors * 512),
      granularity: fc.integer({ min: 12, max: 20 }).map((power) => 2 ** power),
      sectorSize: fc.integer({ min: 9, max: 20 }).map((power) => 2 ** power),
    },
    { requiredKeys: ["name", "size", "granularity"] },
  ),
  { minLength: 1, maxLength: 5, selector: (disk) => disk.name },
);
const frameBytes = fc.integer({ min: 512, max: 2 ** 24 });
const say = <const Said extends string>(...said: Said[]): fc.Arbitrary<Said> => fc.constantFrom(...said);
const state = fc.constantFrom("open" as const, "sealed" as const, "committed" as const, "aborted" as const);
const serve = { requiredKeys: ["say", "attempt"] as ("say" | "attempt")[], noNullPrototype: true } as const;

/** Any message that can be sent, its keys in the order of the wire. */
export const message: fc.Arbitrary<SessionMessage> = fc.oneof(
  fc.record({
    say: say("hello"),
    versions: fc.constantFrom([2, 2] as const, [1, 2] as const, [2, 7] as const, [1, 9] as const),
    features,
    migration: id,
    source: id,
    disks,
    frameBytes,
    resume: fc.boolean(),
    incremental: fc.boolean(),
    clone: fc.boolean(),
  }),
  fc
    .record({
      say: say("welcome"),
      version: fc.constant(2),
      features,
      sink: id,
      epoch: whole,
      frameBytes,
      window: whole,
      state,
      attempt: whole,
      held: fc.array(fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1 })), { maxLength: 4 }), { maxLength: 4 }),
    })
    .map((welcome) => Object.assign(welcome, { window: Math.max(welcome.window, welcome.frameBytes) })),
  fc.record({ say: say("flush"), serial: whole }),
  fc.record({
    say: say("flushed"),
    serial: whole,
    ms: fc.double({ min: 0, max: 1e6, noNaN: true }).map((ms) => ms + 0),
  }),
  fc.record({ say: say("seal"), attempt, frames: whole, verified: fc.boolean() }),
  fc.record({ say: say("prepare", "commit", "abort", "outcome", "done", "sealed", "aborted"), attempt }),
  fc.record({ say: say("ready", "committed"), attempt, serve: fc.string({ minLength: 1, maxLength: 40 }) }, serve),
  fc.record({ say: say("state"), attempt: whole, state }),
  fc.record({ say: say("cancel"), message: text }),
  fc.record({ say: say("refused", "failed"), code: id, message: text }),
);

const disk = fc.oneof(fc.nat(3), fc.nat(0xffff));
const offset = fc.oneof(
  fc.nat(4096),
  fc.maxSafeNat().map((at) => Math.max(0, at - 2 ** 50)),
);
const short = { disk, offset, length: fc.integer({ min: 1, max: 2 ** 20 }) };
const any = { disk, offset, length: fc.oneof(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 1, max: 2 ** 49 })) };
const bytes = fc.uint8Array({ minLength: 1, maxLength: 3000 });
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Any frame that can be sent. */
export const sessionFrame: fc.Arbitrary<NaiveSessionFrame> = fc.oneof(
  fc.record({ disk, offset, data: bytes }).map(({ disk: of, offset: at, data }) => ({
    type: "data" as const,
    disk: of,
    offset: at,
    length: data.length,
    data,
  })),
  fc.record({ ...any, type: fc.constant("hole" as const) }),
  fc.record({ ...short, type: fc.constant("hash" as const), digest }),
  fc.record({ ...any, type: fc.constant("hash" as const), digest: fc.constant("zero" as const) }),
  fc.record({ ...any, type: fc.constant("answer" as const), equal: fc.boolean() }),
  fc.tuple(whole, whole).map(([a, b]) => ({ type: "ack" as const, written: Math.max(a, b), durable: Math.min(a, b) })),
  message.map((said) => ({ type: "message" as const, message: said })),
  whole.map((value) => ({ type: "ping" as const, value })),
  whole.map((value) => ({ type: "pong" as const, value })),
);
