import { createSessionDecoder, type SessionMessage } from "@blkmig/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Fed, feed } from "../test/feed.ts";
import { naiveSessionFrame } from "../test/naive-session.ts";
import { message } from "../test/session-arbitrary.ts";

const disk = { name: "vda", size: 1024, granularity: 4096 };
const hello = {
  say: "hello",
  versions: [2, 2],
  features: [],
  migration: "m",
  source: "s",
  disks: [disk],
  frameBytes: 65536,
  resume: false,
  incremental: false,
  clone: false,
};
const welcome = {
  say: "welcome",
  version: 2,
  features: [],
  sink: "s",
  epoch: 1,
  frameBytes: 65536,
  window: 65536,
  state: "open",
  attempt: 0,
  held: [],
};

/** Messages that are sound but for one field. */
const wrong: [string, object][] = [
  ...of(hello, "versions", [undefined, 2, [2], [2, 2, 2], [2, 1], [0, 2], ["2", 2], [1.5, 2]]),
  ...of(hello, "features", [undefined, {}, "a", [""], [1], ["x".repeat(65)], Array.from({ length: 65 }, () => "x")]),
  ...of(hello, "migration", [undefined, "", "a_b", "\u00e4", "a\n", "x".repeat(65), 1, ["m"]]),
  ...of(hello, "source", [undefined, "", null]),
  ...of(hello, "disks", [undefined, [], {}, [1], [null], [[]], Array.from({ length: 257 }, (_, i) => named(`d${i}`))]),
  ...of(hello, "frameBytes", [undefined, 0, 511, 2 ** 24 + 1, 65536.5, "65536"]),
  ...of(hello, "resume", [undefined, 0, "false", null]),
  ...of(hello, "incremental", [undefined, 1]),
  ...of(hello, "clone", [undefined, "no"]),
  ...ofDisk("name", [undefined, 1, null]),
  ...ofDisk("size", [undefined, 0, 513, -512, 2 ** 53, "1024"]),
  ...ofDisk("granularity", [undefined, 2048, 2 ** 21, 12288, 4097]),
  ...of(welcome, "version", [undefined, 1, 3, "2"]),
  ...of(welcome, "features", [undefined, [2]]),
  ...of(welcome, "sink", [undefined, ""]),
  ...of(welcome, "epoch", [undefined, -1, 2 ** 53, 0.5]),
  ...of(welcome, "frameBytes", [undefined, 511]),
  ...of(welcome, "window", [undefined, 65535, 2 ** 53]),
  ...of(welcome, "state", [undefined, "", "sealing", 1, "constructor"]),
  ...of(welcome, "attempt", [undefined, -1]),
  ...of(welcome, "held", [
    undefined,
    {},
    [1],
    [[1]],
    [[[1]]],
    [[[0, 0]]],
    [[[-1, 1]]],
    [[[2 ** 53 - 1, 1]]],
    [[[0, "1"]]],
  ]),
  ...of(welcome, "held", [runs(2049), [...runs(1024), ...runs(1025)], Array.from({ length: 257 }, () => [])]),
  ...of({ say: "flush", serial: 0 }, "serial", [undefined, -1]),
  ...of({ say: "flushed", serial: 0, ms: 1 }, "serial", [undefined, -1]),
  ...of({ say: "flushed", serial: 0, ms: 1 }, "ms", [undefined, -1, "1", null]),
  ...of({ say: "seal", attempt: 1, frames: 0, verified: true }, "frames", [undefined, -1]),
  ...of({ say: "seal", attempt: 1, frames: 0, verified: true }, "verified", [undefined, 1]),
  ...["prepare", "seal", "commit", "done", "ready", "sealed", "committed"].flatMap((say) =>
    of({ say, attempt: 1, frames: 0, verified: true }, "attempt", [undefined, 0, -1, 1.5, "1", 2 ** 53]),
  ),
  ...["abort", "outcome", "aborted"].flatMap((say) => of({ say, attempt: 0 }, "attempt", [undefined, -1, "0"])),
  ...["ready", "committed"].flatMap((say) => of({ say, attempt: 1 }, "serve", ["", 1, null, "x".repeat(1025)])),
  ...of({ say: "state", attempt: 0, state: "open" }, "state", [undefined, "known"]),
  ...of({ say: "state", attempt: 0, state: "open" }, "attempt", [undefined, -1]),
  ...of({ say: "cancel", message: "" }, "message", [undefined, 1, "x".repeat(1025)]),
  ...["refused", "failed"].flatMap((say) =>
    of({ say, code: "io", message: "" }, "code", [undefined, "", "a b", "x".repeat(65)]),
  ),
  ...["refused", "failed"].flatMap((say) =>
    of({ say, code: "io", message: "" }, "message", [undefined, "x".repeat(1025)]),
  ),
];

describe("a session's message", () => {
  it("comes back as it was said, whatever it says", () => {
    fc.assert(
      fc.property(message, (said) => {
        expect(hear(said)).toEqual([said]);
      }),
    );
  });

  it.each(wrong)("with a wrong %s is refused", (_what, said) => {
    expect(decode(said).error).toEqual({ code: "bad-message", position: 8 });
  });

  it.each(["", "\ud800", "x".repeat(256), "\u00e4".repeat(128)])(
    "with a disk named %j is refused by its name",
    (name) => {
      expect(decode({ ...hello, disks: [{ ...disk, name }] }).error).toEqual({ code: "bad-name", position: 8 });
    },
  );

  it("may use its limits up", () => {
    const disks = Array.from({ length: 256 }, (_, i) => named(`d${i}`));
    const features = Array.from({ length: 64 }, () => "x".repeat(64));
    expect(hear({ ...hello, disks, features, frameBytes: 2 ** 24, migration: "x".repeat(64) })).toHaveLength(1);
    expect(hear({ ...hello, disks: [named("x".repeat(255))], frameBytes: 512 })).toHaveLength(1);
    expect(hear({ ...welcome, held: [...runs(1024), ...runs(1024)], window: 2 ** 53 - 1 })).toHaveLength(1);
    expect(hear({ say: "failed", code: "io", message: "\u{1f4be}".repeat(512) })).toHaveLength(1);
  });

  it("that is a hello is of another version where 2 is not among its versions, whatever else it says", () => {
    for (const versions of [
      [1, 1],
      [3, 3],
      [3, 900],
    ]) {
      expect(hear({ say: "hello", versions })).toEqual([{ say: "hello-other", versions }]);
    }
    expect(hear({ ...hello, versions: [1, 3] })).toEqual([{ ...hello, versions: [1, 3] }]);
    expect(decode({ say: "hello-other", versions: [3, 3] }).error?.code).toBe("bad-message");
  });

  it("keeps nothing of keys that are not known, be it a prototype", () => {
    const text = '{"say":"sealed","attempt":1,"__proto__":{"serve":"x"},"constructor":1}';
    expect(decodeText(text).frames).toEqual([{ type: "message", message: { say: "sealed", attempt: 1 }, position: 8 }]);
    const inherited = '{"__proto__":{"say":"sealed","attempt":1}}';
    expect(decodeText(inherited).error?.code).toBe("bad-message");
  });

  it("is not begun by a byte order mark", () => {
    expect(decodeText('\ufeff{"say":"sealed","attempt":1}').error?.code).toBe("bad-message");
  });
});

function hear(said: object): SessionMessage[] {
  const { frames, error } = decode(said);
  expect(error).toBeUndefined();
  return frames.flatMap((frame) => (frame.type === "message" ? [frame.message] : []));
}

function decode(said: object): ReturnType<typeof decodeText> {
  return decodeText(JSON.stringify(said));
}

function decodeText(
  text: string,
): Fed<{ readonly type: "message"; readonly message: SessionMessage } | { type: "ack" }> {
  const stream = naiveSessionFrame({ type: 6 }, new TextEncoder().encode(text));
  return feed(createSessionDecoder({ magic: "taken" }), stream) as ReturnType<typeof decodeText>;
}

function of(sound: object, key: string, values: readonly unknown[]): [string, object][] {
  const { say } = sound as { say: string };
  return values.map((value) => [
    `${key} in ${say}: ${(JSON.stringify(value) ?? "nothing").slice(0, 40)}`,
    { ...sound, [key]: value },
  ]);
}

function ofDisk(key: string, values: readonly unknown[]): [string, object][] {
  return values.map((value) => [
    `${key} of a disk: ${String(value)}`,
    { ...hello, disks: [{ ...disk, [key]: value }] },
  ]);
}

function named(name: string): object {
  return { ...disk, name };
}

function runs(count: number): [number, number][][] {
  return [Array.from({ length: count }, (_, i) => [i * 4096, 4096])];
}
