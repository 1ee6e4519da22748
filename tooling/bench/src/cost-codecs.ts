import { crc32 } from "node:zlib";

import {
  createClassicDecoder,
  createEnvelopeDecoder,
  createSessionDecoder,
  encodeAck,
  encodeBlock,
  encodeConfiguration,
  encodeData,
  encodeDeviceName,
  encodeEnvelopeHeader,
  encodeEos,
  encodeFooter,
  encodeHole,
  encodeSectionPart,
  encodeSectionStart,
  encodeZeroBlocks,
  type SessionExtent,
} from "@blkmig/protocol";

import { type CostJob, costOf } from "./cost-job.ts";
import { decodeFrame } from "./micro-decoding.ts";
import { KiB, MiB } from "./micro-task.ts";

const FRAMES = 2000;
const NOWHERE = new Uint8Array(1);
const SECTION = { id: 2, name: "block", instance: 0, version: 1 } as const;

/** The session's frames. Data has no checksum here: it costs time, and nothing else. */
export function sessionCodecCosts(): readonly CostJob[] {
  const extent: SessionExtent = { disk: 0, offset: 0, length: 64 * KiB };
  const data = new Uint8Array(extent.length).fill(0x5a);
  const hole: SessionExtent = { disk: 0, offset: 0, length: 1024 * MiB };
  const decoder = createSessionDecoder({ crc32, magic: "taken" });
  const ofData = createSessionDecoder({ crc32, magic: "taken" });
  ofData.setDataChecksums("absent");
  const [dataFrame, holeFrame, ackFrame] = [encodeData(extent, data, "unchecked"), encodeHole(hole), encodeAck(20, 10)];
  return [
    costOf("session codec: encode 64 KiB of data", FRAMES, () => encodeData(extent, data, "unchecked")),
    costOf("session codec: decode 64 KiB of data", FRAMES, () => decodeFrame(ofData, dataFrame, data)),
    costOf("session codec: encode a hole", FRAMES, () => encodeHole(hole)),
    costOf("session codec: decode a hole", FRAMES, () => decodeFrame(decoder, holeFrame, NOWHERE)),
    costOf("session codec: encode an acknowledgement", FRAMES, () => encodeAck(20, 10)),
    costOf("session codec: decode an acknowledgement", FRAMES, () => decodeFrame(decoder, ackFrame, NOWHERE)),
  ];
}

/** The classic stream, bare and in QEMU's envelope. */
export function classicCodecCosts(): readonly CostJob[] {
  const name = encodeDeviceName("vda");
  const data = new Uint8Array(MiB).fill(0x5a);
  const block = encodeBlock(name, 0, data);
  const zero = encodeZeroBlocks(name, 0, 1);
  const decoder = createClassicDecoder();
  const enveloped = createEnvelopeDecoder();
  const endOfPart = [Buffer.concat([...encodeEos(), ...encodeFooter(SECTION.id)])];
  const start = [encodeEnvelopeHeader(), encodeConfiguration("pc-i440fx-7.2"), encodeSectionStart(SECTION)];
  for (const segments of [...start, endOfPart]) decodeFrame(enveloped, [Buffer.concat(segments)], data);
  const part = [Buffer.concat([...encodeSectionPart(SECTION.id), block[0]!]), data];
  return [
    costOf("classic codec: encode a block", FRAMES, () => encodeBlock(name, 0, data)),
    costOf("classic codec: decode a block", FRAMES, () => decodeFrame(decoder, block, data)),
    costOf("classic codec: encode a zero frame", FRAMES, () => encodeZeroBlocks(name, 0, 1)),
    costOf("classic codec: decode a zero frame", FRAMES, () => decodeFrame(decoder, zero, NOWHERE)),
    costOf("envelope: decode a section of one block", FRAMES, () => {
      decodeFrame(enveloped, part, data);
      decodeFrame(enveloped, endOfPart, data);
    }),
  ];
}
