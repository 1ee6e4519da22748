import type { Scenario } from "./scenario.ts";

const KiB = 1024;

const PLAIN: Scenario = {
  disks: [{ name: "vda", size: 190 * KiB + 512, seed: 11, target: "garbage" }],
  session: { granularity: 4 * KiB, frameBytes: 16 * KiB, verify: false, resume: false },
  guest: [],
  cuts: [],
  overruns: 0,
  cancelled: false,
};

const guest: Scenario["guest"] = [
  [
    { disk: 0, offset: 0, length: 512, seed: 501 },
    { disk: 0, offset: 61_440, length: 12 * KiB, seed: 502 },
  ],
  [
    { disk: 0, offset: 3 * KiB, length: 2 * KiB, seed: 503 },
    { disk: 0, offset: 64 * KiB, length: 8 * KiB, seed: 0 },
  ],
  [{ disk: 0, offset: 190 * KiB, length: 512, seed: 504 }],
];

/** What is recorded for a release. More may be added; one that was recorded is not changed. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  plain: PLAIN,
  "two-disks": {
    ...PLAIN,
    disks: [
      { name: "system", size: 96 * KiB, seed: 21, target: "garbage" },
      { name: "Größe 💾", size: 33 * KiB + 512, seed: 22, target: "garbage" },
    ],
    session: { ...PLAIN.session, granularity: 8 * KiB, frameBytes: 64 * KiB },
    serve: "nbd://192.0.2.1:10809/system",
  },
  "guest-writes": { ...PLAIN, guest },
  verify: { ...PLAIN, guest, session: { ...PLAIN.session, verify: true } },
  resume: {
    ...PLAIN,
    disks: [{ name: "vda", size: 190 * KiB + 512, seed: 31, target: "stale" }],
    session: { ...PLAIN.session, resume: true },
  },
  "cut-and-reconnect": { ...PLAIN, guest, cuts: [{ at: { writes: 5 }, sinkEnds: false }] },
  "answer-lost": { ...PLAIN, cuts: [{ at: "committed", sinkEnds: false }] },
  "sink-restarted": { ...PLAIN, guest, cuts: [{ at: "held", sinkEnds: true }] },
  "attempt-aborted": { ...PLAIN, guest, overruns: 1 },
  unchecked: { ...PLAIN, guest, session: { ...PLAIN.session, checksums: false } },
  "handed-over": { ...PLAIN, guest, session: { ...PLAIN.session, handOver: true } },
  cancelled: { ...PLAIN, cancelled: true },
  refused: { ...PLAIN, refused: "there is no target for disk 'vda'" },
};
