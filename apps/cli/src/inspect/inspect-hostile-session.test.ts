import { once } from "node:events";
import { crc32 } from "node:zlib";

import { encodeAck, encodeData, encodeSessionPreface, MOST_FRAME_BYTES } from "@blkmig/protocol";
import { expect, it } from "vitest";

import { MIB } from "../make-disks.test-kit.ts";
import { emptyNodeMemory, measureMemory } from "../measure-memory.test-kit.ts";
import { refusal, refused, startBlkmig, temporaryFolder } from "../run-blkmig.test-kit.ts";
import { createInspector } from "./inspect-bytes.test-kit.ts";
import { OPTIONAL_FRAME, SOURCE, streamOf } from "./session-streams.test-kit.ts";

const MOST_ABOVE_NODE = 150 * MIB;

it("a session that breaks off or is damaged is shown as far as it goes", async () => {
  const inspect = createInspector();
  const { bytes, positions } = streamOf(SOURCE);
  const cut = await inspect(bytes.subarray(0, positions[3]! + 34), "--summary");
  expect(cut.stdout).toMatch(/^it ends inside a frame; nothing was said on a switchover$/m);
  const inData = new RegExp(`ends inside a frame's payload: .* \\(at byte ${positions[3]} of the stream\\)`);
  expect(refusal(cut)).toEqual(refused(3, inData));

  const flipped = Buffer.from(bytes);
  flipped[positions[8]! + 33]! ^= 1;
  const damaged = await inspect(flipped);
  expect(damaged.stdout).toMatch(/ passed over: 37 bytes, type 0x80\n$/);
  expect(refusal(damaged)).toEqual(
    refused(3, new RegExp(`is not the one that was sent \\(at byte ${positions[8]} of`)),
  );
  const counted = await inspect(flipped, "--summary", "--json");
  expect(counted.events[0]).toMatchObject({
    ended: false,
    session: { ending: "damaged", frames: { data: { count: 1 } } },
  });

  const header = Buffer.from(bytes);
  header[positions[2]!] = 9;
  expect(refusal(await inspect(header))).toEqual(
    refused(3, new RegExp(`frame's header .* \\(at byte ${positions[2]} of`)),
  );
  const unknown = Buffer.from("0900000000000000".padEnd(56, "0"), "hex");
  const summed = Buffer.concat([encodeSessionPreface()[0]!, OPTIONAL_FRAME, unknown, Buffer.from("00000000", "hex")]);
  summed.writeUInt32BE(crc32(unknown), summed.length - 4);
  const odd = await inspect(summed);
  expect(odd.stdout).toMatch(/ passed over: 37 bytes, type 0x80\n$/);
  expect(refusal(odd)).toEqual(refused(3, /type 9 .* \(at byte 45 of the stream\)/));
  expect(await inspect(bytes.subarray(0, 8))).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("ends between"),
  });
  expect(refusal(await inspect(bytes.subarray(0, 7)))).toEqual(refused(3, /ends after 7 of the 8 bytes/));
});

it("however long it is, a session takes little memory", async () => {
  const path = temporaryFolder();
  const { env, peak } = measureMemory(path("peak"));
  const { process: child, ended } = startBlkmig(["inspect", "-", "--summary", "--json"], { env });
  const longest = encodeData(
    { disk: 9, offset: 0, length: MOST_FRAME_BYTES },
    new Uint8Array(MOST_FRAME_BYTES).fill(7),
  );
  const acks = Buffer.concat(Array.from({ length: 4000 }, () => encodeAck(1, 1)).flat());
  const input = child.stdin!;
  const write = async (piece: Uint8Array): Promise<void> => {
    if (!input.write(piece)) await once(input, "drain");
  };
  for (const piece of encodeSessionPreface()) await write(piece);
  for (let i = 0; i < 16; i++) for (const piece of longest) await write(piece);
  for (let i = 0; i < 100; i++) await write(acks);
  input.end();
  const { events } = await ended;
  expect(events[0]).toMatchObject({
    disks: [{ disk: 9, "data-bytes": 16 * MOST_FRAME_BYTES }],
    session: { speaker: "both", acks: { count: 400_000 } },
  });
  expect(peak() - emptyNodeMemory(path("empty"))).toBeLessThan(MOST_ABOVE_NODE);
});
