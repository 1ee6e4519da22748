/**
 * The rules that the model keeps, each a sentence of a law; a run may break one of them. Laws that are not about the order of
 * writes (what is pending, whose disk it is, what a peer may ask for) are not here.
 */
export const RULES = {
  "clear-then-read": "law 1: the source clears a granule's dirty bit before it reads the granule",
  "ask-after-clear": "law 1: asking what is zero is reading, and comes after the clear; an older answer is void",
  "whole-granule": "law 1: a bit is cleared only by a flight that reads the whole granule",
  "mark-after-landing": "law 1: the guest's face marks after a write has landed and before it answers",
  "mark-failures": "law 1: a failed write marks too",
  "drained-pause": "law 1: paused means that every begun write has landed, and is marked or carried",
  "flight-until-acknowledged":
    "law 2: one granule, one flight, from the clear until the sink has acknowledged the write",
  "arrival-order": "law 2: without acknowledgements the sink lands overlapping frames in the order of their arrival",
  "known-zero-until-accepted":
    "law 2: what the sink knows to be zero ends when a data frame is accepted, not when it has landed",
  proof: "law 4: nobody says completed before the sink has everything",
  epochs: "law 10: older connections are not read, and their writes have settled, before a new one is granted",
  "mirror-waits":
    "law 11: a mirrored write waits for flights on its granules, and holds off new ones until acknowledged",
  "mirror-order": "law 11: overlapping mirrored writes keep one order at both ends",
  "mirror-clears-nothing": "law 11: a partial write clears no bit",
  "mirror-marks-failures": "law 11: a mirrored write that the sink may not have is marked",
} as const;

export type Rule = keyof typeof RULES;
