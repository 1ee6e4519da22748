import {
  createClassicDecoder,
  createEnvelopeDecoder,
  encodeBlock,
  encodeConfiguration,
  encodeDeviceName,
  encodeEnvelopeHeader,
  encodeEos,
  encodeFooter,
  encodeSectionPart,
  encodeSectionStart,
  encodeZeroBlocks,
  type Segments,
} from "@blkmig/protocol";

import { decodeFrame } from "./micro-decoding.ts";
import { MANY, type MicroTask, MiB, repeated } from "./micro-task.ts";

const SECTION = { id: 2, name: "block", instance: 0, version: 1 } as const;

/** The classic stream, bare and in QEMU's envelope. */
export function classicTasks(): readonly MicroTask[] {
  const name = encodeDeviceName("vda");
  const data = new Uint8Array(MiB).fill(0x5a);
  const block = encodeBlock(name, 0, data);
  const zero = encodeZeroBlocks(name, 0, 1);
  const bare = createClassicDecoder();
  const part = [...encodeSectionPart(SECTION.id), block[0]!];
  const endOfPart = [...encodeEos(), ...encodeFooter(SECTION.id)];
  const enveloped = createEnvelopeDecoder();
  const start = [encodeEnvelopeHeader(), encodeConfiguration("pc-i440fx-7.2"), encodeSectionStart(SECTION)];
  for (const segments of [...start, endOfPart]) decodeFrame(enveloped, [Buffer.concat(segments)], data);
  const inPart: Segments = [Buffer.concat(part), data];
  const footer: Segments = [Buffer.concat(endOfPart)];

  return [
    repeated("classic: encode a block", MANY, () => encodeBlock(name, 0, data), MiB),
    repeated("classic: decode a block", MANY, () => decodeFrame(bare, block, data), MiB),
    repeated("classic: encode a zero frame", MANY, () => encodeZeroBlocks(name, 0, 1)),
    repeated("classic: decode a zero frame", MANY, () => decodeFrame(bare, zero, data)),
    repeated(
      "envelope: decode a section of one block",
      MANY,
      () => {
        decodeFrame(enveloped, inPart, data);
        decodeFrame(enveloped, footer, data);
      },
      MiB,
    ),
  ];
}
