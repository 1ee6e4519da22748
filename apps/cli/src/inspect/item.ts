import type {
  ClassicFrame,
  EnvelopeCommand,
  EnvelopeConfiguration,
  EnvelopeFrame,
  EnvelopeHeader,
  EnvelopeSection,
  EnvelopeSectionEnd,
} from "@blkmig/protocol";

/** What is worth a line: a frame, or what joins many of them. */
export type Item =
  | { readonly type: "block"; readonly position: number; readonly device: string; readonly offset: number }
  | ZeroItem
  | { readonly type: "progress"; readonly position: number; readonly percent: number }
  | { readonly type: "eos"; readonly position: number }
  | EnvelopeItem;

/** A run of zero frames that follow each other on one disk. */
export interface ZeroItem {
  readonly type: "zero";
  readonly position: number;
  readonly device: string;
  readonly offset: number;
  /** How many neighbouring blocks. */
  readonly blocks: number;
}

/** What QEMU's envelope has beside the block frames. The end of a block section is its `eos`, so `section-end` is of RAM. */
export type EnvelopeItem =
  | EnvelopeHeader
  | EnvelopeConfiguration
  | EnvelopeCommand
  | EnvelopeSection
  | EnvelopeSectionEnd
  | EmptyParts
  | MachineRest
  | MachineDevices;

/** Part sections, one directly after the other, with nothing in them. */
export interface EmptyParts {
  readonly type: "empty-parts";
  readonly position: number;
  /** How many of them were block sections. */
  readonly block: number;
  readonly ram: number;
}

/** The stream's rest behind the last section that is parsed. */
interface MachineRest {
  readonly type: "opaque";
  readonly position: number;
  readonly bytes: number;
}

/** The device list of the description at the stream's end. */
interface MachineDevices {
  readonly type: "devices";
  readonly position: number;
  /** Undefined where no description is there. */
  readonly devices: readonly Device[] | undefined;
}

export interface Device {
  readonly name: string;
  readonly instance: number;
}

/** Frames of either kind of stream, the machine's bytes taken out. */
export type StreamFrame = ClassicFrame | Exclude<EnvelopeFrame, { type: "machine" | "opaque" }> | EnvelopeItem;
