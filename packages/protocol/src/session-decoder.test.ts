import {
  createSessionDecoder,
  encodeData,
  FRAME_BYTES,
  MOST_FRAME_BYTES,
  ProtocolError,
  SESSION_MAGIC,
} from "@blkmig/protocol";
import { describe, expect, it } from "vitest";

import { joined } from "../test/feed-envelope.ts";
import { feed } from "../test/feed.ts";
import { naiveSessionFrame } from "../test/naive-session.ts";

const extent = { disk: 0, offset: 0, length: 100 };
const data = new Uint8Array(100).fill(0x5a);
const frame = joined(encodeData(extent, data));

describe("a session's decoder", () => {
  it("wants its scratch, then the rest of the landed buffer and not a byte more", () => {
    const decoder = give(createSessionDecoder(), joined([SESSION_MAGIC, frame.subarray(0, 40)]));
    expect(decoder.next()?.type).toBe("payload");
    expect(() => decoder.want()).toThrow("land()");
    expect(() => decoder.land(new Uint8Array(99))).toThrow(RangeError);
    const buffer = new Uint8Array(200).fill(0xee);
    decoder.land(buffer);
    expect(decoder.want()).toEqual(buffer.subarray(8, 100));
    expect(() => decoder.accept(93)).toThrow(RangeError);
    give(decoder, frame.subarray(40));
    expect(() => decoder.want()).toThrow("next()");
    expect(decoder.next()).toEqual({ type: "data", ...extent, data, position: 8 });
    expect(buffer.subarray(100)).toEqual(new Uint8Array(100).fill(0xee));
    decoder.end();
  });

  it("lands what has come whole with its header", () => {
    const decoder = give(createSessionDecoder({ magic: "taken" }), joined([frame, frame]));
    for (const position of [8, 140]) {
      expect(decoder.next()?.type).toBe("payload");
      expect(decoder.next()).toBeUndefined();
      expect(() => decoder.end()).toThrow("land()");
      decoder.land(new Uint8Array(100));
      expect(decoder.next()).toEqual({ type: "data", ...extent, data, position });
    }
    expect(() => decoder.land(new Uint8Array(100))).toThrow("once");
    decoder.end();
  });

  it("says where it failed, again from every method", () => {
    const decoder = give(createSessionDecoder({ magic: "taken" }), naiveSessionFrame({ type: 9 }));
    let first: unknown;
    for (const call of [
      () => decoder.next(),
      () => decoder.next(),
      () => decoder.want(),
      () => decoder.accept(1),
      () => decoder.land(new Uint8Array(1)),
      () => decoder.end(),
      () => decoder.setFrameBytes(512),
      () => decoder.setDataChecksums("absent"),
    ]) {
      const error = thrown(call);
      first ??= error;
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toBe(first);
    }
  });

  it("takes data of up to 1 MiB, or what was agreed from then on", () => {
    const long = naiveSessionFrame({ type: 1, length: BigInt(FRAME_BYTES + 1), size: FRAME_BYTES + 1, payloadCrc: 1 });
    expect(give(createSessionDecoder({ magic: "taken" }), long).setFrameBytes).toBeDefined();
    expect(() => give(createSessionDecoder({ magic: "taken" }), long).next()).toThrow(`1 to ${FRAME_BYTES} can be`);
    const agreed = createSessionDecoder({ magic: "taken" });
    agreed.setFrameBytes(FRAME_BYTES + 1);
    expect(give(agreed, long).next()?.type).toBe("payload");
    const less = createSessionDecoder({ magic: "taken" });
    less.setFrameBytes(99);
    expect(() => give(less, frame).next()).toThrow("1 to 99 can be");
    expect(feed(createSessionDecoder({ magic: "taken", frameBytes: 99 }), frame).error?.code).toBe("bad-frame");
  });

  it.each([0, -1, 0.5, MOST_FRAME_BYTES + 1, Number.NaN])("takes no limit of %s", (bytes) => {
    expect(() => createSessionDecoder({ frameBytes: bytes })).toThrow(RangeError);
    expect(() => createSessionDecoder().setFrameBytes(bytes)).toThrow(RangeError);
  });

  it("is not to be ended before it was drained", () => {
    const decoder = give(createSessionDecoder(), joined([SESSION_MAGIC, naiveSessionFrame({ type: 7 })]));
    expect(() => decoder.end()).toThrow("next()");
    expect(decoder.next()?.type).toBe("ping");
    decoder.end();
  });

  it("passes over an optional frame that is longer than its scratch", () => {
    const passed = naiveSessionFrame({ type: 0x90, payloadCrc: 0 }, new Uint8Array(100_000).fill(0xee));
    const stream = joined([passed, naiveSessionFrame({ type: 7, offset: 5n })]);
    const frames = [{ type: "ping", value: 5, position: 8 + 32 + 100_000 }];
    for (const chunk of [999, 40_000, 200_000]) {
      expect(feed(createSessionDecoder({ magic: "taken" }), stream, { chunk: () => chunk })).toEqual({ frames });
    }
  });
});

type SessionDecoder = ReturnType<typeof createSessionDecoder>;

function give(decoder: SessionDecoder, bytes: Uint8Array): SessionDecoder {
  decoder.want().set(bytes);
  decoder.accept(bytes.length);
  return decoder;
}

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
