import type { SeededRandom } from "@blkmig/testkit";

import type { Rule } from "./laws-model-rules.ts";

/** So small that random schedules meet each other: two granules of two sectors. */
export const SECTORS = 4;
const GRANULE = 2;

/** What one sector holds: zeroes, the garbage of a used disk, or what was written by that number. */
export type Content = number;
export const ZERO = 0;
const GARBAGE = -1;

/** One thing that can happen now. */
export type Step = () => void;

/** Sectors from `start` to before `end`. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

export type Phase = "clear" | "ask" | "read" | "send";

/** A granule on its way from the source to the sink. */
export interface Flight {
  readonly granule: number;
  /** What is still to be read and sent, one part after the other: one, unless the rule of whole granules is broken. */
  readonly parts: Place[];
  /** What is still to be done with the first part. */
  phases: Phase[];
  /** Sectors of which the disk said that they are zero: they are not read. */
  zero: Set<number>;
  contents: Content[];
}

/** A request of the guest that has begun. */
export interface GuestWrite extends Place {
  readonly content: Content;
  /** The sector before which it fails; `end` if it does not. */
  readonly landsUntil: number;
  landed: number;
  isMirrored: boolean;
  awaits: "mirror" | "landing" | "answer" | "acknowledgement";
}

/** What the wire carries. */
export interface Frame extends Place {
  readonly contents: readonly Content[];
  readonly epoch: number;
  /** How likely it moves on when it can, 0 to 1. */
  readonly pace: number;
  readonly acknowledge: () => void;
}

/** Whether the source is told what has landed; and how many connections carry frames, each in order. */
export interface Wire {
  readonly acknowledges: boolean;
  readonly connections: 1 | 2;
}

export interface World {
  readonly random: SeededRandom;
  readonly obeys: (rule: Rule) => boolean;
  readonly wire: Wire;
  readonly source: { readonly contents: Content[]; readonly dirty: Set<number> };
  readonly guest: {
    readonly writes: Set<GuestWrite>;
    writesLeft: number;
    lastWritten: Content;
    isHeld: boolean;
    isMirrored: boolean;
  };
  readonly flights: Set<Flight>;
  readonly link: {
    isUp: boolean;
    epoch: number;
    cutsLeft: number;
    /** Of the current epoch, and older ones if nobody keeps them from being read. */
    connections: { readonly epoch: number; readonly queue: Frame[] }[];
  };
  readonly sink: {
    readonly contents: Content[];
    readonly knownZero: Set<number>;
    /** Taken from the wire and on their way to the disk, in the order of their arrival. */
    readonly accepted: { readonly frame: Frame; landed: number }[];
  };
}

export function createWorld(random: SeededRandom, wire: Wire, obeys: (rule: Rule) => boolean): World {
  const sectors = Array.from({ length: SECTORS }, (_, sector) => sector);
  const contents = sectors.map((sector) => (random.int(3) === 0 ? sector + 1 : ZERO));
  return {
    random,
    obeys,
    wire,
    source: { contents, dirty: new Set(sectors.map(granuleOf)) },
    guest: {
      writes: new Set(),
      writesLeft: 2 + random.int(7),
      lastWritten: SECTORS,
      isHeld: false,
      isMirrored: false,
    },
    flights: new Set(),
    link: {
      isUp: true,
      epoch: 0,
      cutsLeft: wire.acknowledges ? random.int(3) : 0,
      connections: openConnections(wire, 0),
    },
    sink: { contents: sectors.map(() => GARBAGE), knownZero: new Set(), accepted: [] },
  };
}

export function openConnections(wire: Wire, epoch: number): World["link"]["connections"] {
  return Array.from({ length: wire.connections }, () => ({ epoch, queue: [] }));
}

export function overlap(a: Place, b: Place): boolean {
  return a.start < b.end && b.start < a.end;
}

export function sectorsOf({ start, end }: Place): number[] {
  return Array.from({ length: end - start }, (_, nth) => start + nth);
}

export function granulesOf(place: Place): Set<number> {
  return new Set(sectorsOf(place).map(granuleOf));
}

export function placeOf(granule: number): Place {
  return { start: granule * GRANULE, end: (granule + 1) * GRANULE };
}

function granuleOf(sector: number): number {
  return Math.floor(sector / GRANULE);
}
