import { crc32 } from "node:zlib";

import {
  createSessionDecoder,
  encodeAck,
  encodeData,
  encodeHole,
  type SessionDecoder,
  type SessionExtent,
} from "@blkmig/protocol";

import { decodeFrame } from "./micro-decoding.ts";
import { KiB, MANY, type MicroTask, MiB, repeated } from "./micro-task.ts";

/** A checksum costs some 50 µs for each MiB: few are enough to be timed. */
const FEW = 20;

/** The session's frames, with Node.js's own checksum, and without one for data. */
export function sessionTasks(): readonly MicroTask[] {
  const hole: SessionExtent = { disk: 0, offset: 0, length: 1024 * MiB };
  const nowhere = new Uint8Array(1);
  const decoder = createSessionDecoder({ crc32, magic: "taken" });
  const [holeFrame, ackFrame] = [encodeHole(hole), encodeAck(20, 10)];
  return [
    ...dataTasks(64 * KiB, "checked"),
    ...dataTasks(64 * KiB, "unchecked"),
    ...dataTasks(MiB, "checked"),
    ...dataTasks(MiB, "unchecked"),
    repeated("session: encode a hole", MANY, () => encodeHole(hole)),
    repeated("session: decode a hole", MANY, () => decodeFrame(decoder, holeFrame, nowhere)),
    repeated("session: encode an acknowledgement", MANY, () => encodeAck(20, 10)),
    repeated("session: decode an acknowledgement", MANY, () => decodeFrame(decoder, ackFrame, nowhere)),
  ];
}

function dataTasks(length: number, how: "checked" | "unchecked"): readonly MicroTask[] {
  const data = new Uint8Array(length).fill(0x5a);
  const extent: SessionExtent = { disk: 0, offset: 0, length };
  const checksum = how === "checked" ? crc32 : "unchecked";
  const frame = encodeData(extent, data, checksum);
  const decoder: SessionDecoder = createSessionDecoder({ crc32, magic: "taken" });
  if (how === "unchecked") decoder.setDataChecksums("absent");
  const times = how === "checked" ? FEW : MANY;
  const name = `${length / KiB} KiB of data, ${how}`;
  return [
    repeated(`session: encode ${name}`, times, () => encodeData(extent, data, checksum), length),
    repeated(`session: decode ${name}`, times, () => decodeFrame(decoder, frame, data), length),
  ];
}
