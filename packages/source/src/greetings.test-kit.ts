import type { Hello } from "./session-link.ts";

/** What a source of one small disk says first. */
export const hello: Hello = {
  say: "hello",
  versions: [2, 2],
  features: [],
  migration: "m-1",
  source: "s-1",
  disks: [{ name: "vda", size: 512, granularity: 65536 }],
  frameBytes: 65536,
  resume: false,
  incremental: false,
  clone: false,
};

/** What its receiver answers. */
export const welcomed = {
  say: "welcome",
  version: 2,
  features: [],
  sink: "r-1",
  epoch: 1,
  frameBytes: 65536,
  window: 65536,
  state: "open",
  attempt: 0,
  held: [[]],
} as const;
