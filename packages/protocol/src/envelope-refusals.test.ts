import { createEnvelopeDecoder, type Decoder, type EnvelopeFrame, ProtocolError } from "@blkmig/protocol";
import { describe, expect, it } from "vitest";

import {
  be,
  end,
  eos,
  footer,
  header,
  named,
  part,
  ramEos,
  start,
  started,
  u16,
  u32,
  wire,
} from "../test/envelope-bytes.ts";

const full = (name: string): Uint8Array => wire(4, u32(9), named(name), u32(0), u32(1));
const command = (number: number, ...data: number[]): Uint8Array => wire(8, u16(number), u16(data.length), data);
const configuration = (name: string): Uint8Array => wire(7, u32(name.length), name);
const sub = (name: string, ...body: number[]): Uint8Array =>
  wire(configuration("pc"), 5, named(`configuration/${name}`), u32(1), body);
const capability = (name: string): Uint8Array => sub("capabilities", ...u32(1), ...named(name));
const bits = sub("target-page-bits", ...u32(12)).subarray(7);

/** Behind a header: what is refused, at which byte of it (from the header's end on), and what the message must say. */
const refused: readonly [what: string, bytes: Uint8Array, code: string, at: number, says: string][] = [
  ["a section type that does not exist", wire(0x33), "bad-section", 0, "type 0x33"],
  ["a footer behind nothing", footer(2), "bad-section", 0, "type 0x7e"],
  ["a subsection behind nothing", wire(5), "bad-section", 0, "type 0x5"],
  ["a description before EOF", wire(6), "bad-section", 0, "type 0x6"],
  ["a configuration after a command", wire(command(1), configuration("")), "bad-section", 5, "does not come first"],
  ["a second configuration", wire(configuration(""), configuration("")), "bad-section", 5, "does not come first"],
  ["a machine's name of 257 bytes", wire(7, u32(257)), "bad-section", 0, "257 bytes: 256"],
  ["a machine's name of 4 GiB", wire(7, u32(0xffffffff)), "bad-section", 0, "4294967295 bytes"],
  ["a machine's name that is not UTF-8", wire(7, u32(1), 0xff), "bad-name", 5, "a machine's name"],
  ["a section's name that is not UTF-8", wire(1, u32(1), 1, 0xff, 0n), "bad-name", 6, "a section's name"],
  [
    "a fourth subsection",
    wire(configuration("pc"), bits, bits, bits, bits),
    "bad-section",
    7 + 3 * bits.length,
    "more than 3",
  ],
  ["an unknown subsection", sub("more"), "unsupported", 7, "configuration/more"],
  ["pages that are not of 4096 bytes", sub("target-page-bits", ...u32(16)), "unsupported", 43, "2^16"],
  ["too many capabilities", sub("capabilities", ...u32(257)), "bad-section", 39, "257 capabilities"],
  ["the capability multifd", capability("multifd"), "unsupported", 43, "multifd"],
  ["the capability x-ignore-shared", capability("x-ignore-shared"), "unsupported", 43, "x-ignore-shared"],
  ["the capability postcopy-preempt", capability("postcopy-preempt"), "unsupported", 43, "postcopy-preempt"],
  [
    "the command POSTCOPY_ADVISE",
    command(3),
    "unsupported",
    0,
    "POSTCOPY_ADVISE is not understood: turn off the capability postcopy-ram",
  ],
  ["the command POSTCOPY_LISTEN", command(4), "unsupported", 0, "postcopy-ram"],
  ["the command POSTCOPY_RUN", command(5), "unsupported", 0, "postcopy-ram"],
  ["the command POSTCOPY_RAM_DISCARD", command(6), "unsupported", 0, "postcopy-ram"],
  ["the command PACKAGED", command(7, 0, 0, 0, 9), "unsupported", 0, "PACKAGED"],
  ["the command ENABLE_COLO", command(8), "unsupported", 0, "x-colo"],
  ["the command POSTCOPY_RESUME", command(9), "unsupported", 0, "POSTCOPY_RESUME"],
  ["the command RECV_BITMAP", command(10), "unsupported", 0, "RECV_BITMAP"],
  ["the command 0", command(0), "unsupported", 0, "command 0"],
  ["the command 11", command(11), "unsupported", 0, "command 11"],
  ["a ping of 3 bytes", command(2, 1, 2, 3), "bad-section", 0, "ping has 3 bytes of data, not 4"],
  ["a ping of 5 bytes", command(2, 1, 2, 3, 4, 5), "bad-section", 0, "ping has 5 bytes"],
  ["an opening with data", command(1, 0), "bad-section", 0, "open-return-path has 1 bytes"],
  ["a dirty bitmap", start(4, "dirty-bitmap", 1), "unsupported", 0, "the capability dirty-bitmaps"],
  ["a vfio device", start(4, "0000:00:04.0/vfio", 1), "unsupported", 0, "unplug the vfio device"],
  ["another live section", start(4, "spapr/htab", 1), "unsupported", 0, '"spapr/htab" cannot be skipped'],
  [
    "a device's section before any block section",
    full("timer"),
    "unsupported",
    0,
    "no block section: was it started with migrate -b?",
  ],
  [
    "a device's section behind RAM alone",
    wire(start(3, "ram", 4), ramEos, footer(3), full("timer")),
    "unsupported",
    30,
    "no block section",
  ],
  ["EOF before any block section", wire(0), "unsupported", 0, "no block section"],
  [
    "a device's section inside the block section's life",
    wire(started, full("timer")),
    "unsupported",
    started.length,
    '"timer" cannot be skipped',
  ],
  [
    "EOF inside the block section's life",
    wire(started, 0),
    "bad-section",
    started.length,
    '"block" and "ram" has not ended',
  ],
  ["a block section of version 2", start(2, "block", 2), "unsupported", 0, '"block" is of version 2; only 1'],
  ["a ram section of version 3", start(2, "ram", 3), "unsupported", 0, '"ram" is of version 3; only 4'],
  ["a part that has not started", part(2), "bad-section", 0, "section 2 goes on"],
  ["an end that has not started", end(0xffffffff), "bad-section", 0, "section 4294967295 goes on"],
  ["a part behind the end", wire(start(3, "ram", 4), ramEos, end(3), ramEos, part(3)), "bad-section", 38, "has ended"],
  ["the same id twice", wire(started, start(2, "ram", 4)), "bad-section", started.length, "a second time"],
  ["a second block section", wire(started, start(7, "block", 1)), "bad-section", started.length, "a second time"],
  [
    "another section's footer",
    wire(start(2, "block", 1), eos, footer(3)),
    "bad-section",
    27,
    "a footer of section 3 behind section 2",
  ],
  ["a classic frame that is none", wire(start(2, "block", 1), 0x80n), "unknown-flags", 19, "0x80"],
  ["flags of ram that are none", wire(start(2, "ram", 4), be(0x80, 8)), "unknown-flags", 17, "0x80"],
  ["a memory beyond 2^53", wire(start(2, "ram", 4), 0x0020_0000_0000_0004n), "bad-section", 17, "2^53"],
  [
    "a memory block that is too long",
    wire(start(2, "ram", 4), 0x2004n, named("pc.ram"), 0x2001n),
    "bad-section",
    25,
    "8193 bytes where 8192",
  ],
  ["XBZRLE of another encoding", wire(start(2, "ram", 4), 0x60n, 2, u16(1), 0), "bad-section", 25, "encoding 2"],
  ["XBZRLE of more than a page", wire(start(2, "ram", 4), 0x60n, 1, u16(4097)), "bad-section", 25, "4097 bytes"],
  [
    "a compressed page of 4 GiB",
    wire(start(2, "ram", 4), 0x120n, u32(0xffffffff)),
    "bad-section",
    25,
    "4294967295 bytes",
  ],
];

describe("an envelope is refused for", () => {
  it.each(refused)("%s", (_, bytes, code, at, says) => {
    for (const keep of [false, true]) {
      for (const size of [1, 7, 32_768]) {
        const { error, decoder } = failed(wire(header, bytes), keep, size);
        expect(error).toMatchObject({ code, position: header.length + at });
        expect(error?.message).toContain(says);
        for (const call of [
          () => decoder.next(),
          () => decoder.want(),
          () => decoder.accept(1),
          () => decoder.land(new Uint8Array(8)),
          () => decoder.end(),
        ]) {
          expect(call).toThrow(error);
        }
      }
    }
  });

  it("another magic, and another version", () => {
    expect(failed(wire("QEVN", u32(3))).error).toMatchObject({ code: "bad-magic", position: 0 });
    expect(failed(wire("QEVN", u32(3))).error?.message).toContain("multifd");
    expect(failed(wire("QEVM", u32(2))).error).toMatchObject({ code: "unsupported", position: 0 });
  });

  it("ending anywhere before the opaque rest", () => {
    const whole = wire(header, configuration("pc"), bits, command(2, 0, 0, 0, 1), started, end(2), eos);
    for (let cut = 0; cut < whole.length; cut++) {
      expect(failed(whole.subarray(0, cut)).error?.code).toBe("truncated");
    }
    expect(failed(whole).error).toBeUndefined();
    expect(failed(wire(whole, 0x7e)).error?.code).toBe("truncated");
    expect(failed(wire(whole, footer(2))).error).toBeUndefined();
    expect(failed(wire(whole, footer(2)), true).error?.code).toBe("truncated");
    expect(failed(wire(whole, footer(2), end(3), ramEos), true).error).toBeUndefined();
  });
});

function failed(
  bytes: Uint8Array,
  keep = false,
  size = 32_768,
): { error: ProtocolError | undefined; decoder: Decoder<EnvelopeFrame> } {
  const decoder = createEnvelopeDecoder({ keep });
  try {
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = bytes.subarray(at, at + size);
      decoder.want().set(chunk);
      decoder.accept(chunk.length);
      while (decoder.next());
    }
    decoder.end();
    return { error: undefined, decoder };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { error, decoder };
  }
}
