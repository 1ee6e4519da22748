import {
  encodeConfiguration,
  encodeEnvelopeHeader,
  encodeEof,
  encodeFooter,
  encodeOpenReturnPath,
  encodePing,
  encodeSectionEnd,
  encodeSectionPart,
  encodeSectionStart,
  encodeVmDescription,
} from "@blkmig/protocol";

import { classicFormat } from "./classic-format.ts";
import type { WireFormat } from "./wire-format.ts";

/** The one section that we send. */
const BLOCK_SECTION = { id: 1, name: "block", instance: 0, version: 1 } as const;

const NO_DEVICES = JSON.stringify({ page_size: 4096, devices: [] });

/** What the receiving QEMU was started as. */
export interface QemuFormatOptions {
  /** The machine type that the receiving QEMU was started with, or any beginning of it. Default: empty, which fits all. */
  readonly machine?: string;
  /** QEMU's capability `zero-blocks`. Default true. */
  readonly zeroBlocks?: boolean;
}

/** The classic stream in QEMU's envelope, for a stock QEMU that waits with `-incoming`. Its answer is SHUT. */
export function qemuFormat(options: QemuFormatOptions = {}): WireFormat {
  const { machine = "", zeroBlocks = true } = options;
  const classic = classicFormat({ zeroBlocks });
  const { id } = BLOCK_SECTION;
  return {
    ...classic,
    name: "QEMU's envelope",
    saysItsEnd: true,
    setup: () => [
      ...encodeEnvelopeHeader(),
      ...encodeConfiguration(machine),
      ...encodeOpenReturnPath(),
      ...encodeSectionStart(BLOCK_SECTION),
      ...classic.setup(),
      ...encodeFooter(id),
    ],
    beginSection: () => encodeSectionPart(id),
    endOfSection: () => [...classic.endOfSection(), ...encodeFooter(id)],
    ping: encodePing,
    last: () => [
      ...encodeSectionEnd(id),
      ...classic.last(),
      ...encodeFooter(id),
      ...encodeEof(),
      ...encodeVmDescription(NO_DEVICES), // without one a QEMU 7.2 reads on, and answers no when the wire ends
    ],
  };
}
