import { createRandom } from "@blkmig/testkit";

/** Which of the two simulations: a migration over a wire of the field, or a session of our own. */
export type Simulation = "wire" | "session";

/** What may go wrong in a simulated migration over a classic wire, or QEMU's. */
export const WIRE_DANGERS = [
  "cuts",
  "faults",
  "cancels",
  "full",
  "slow",
  "rots",
  "shrinks",
  "delays",
  "hasty",
  "lies",
] as const;

/** What may go wrong with a simulated session. */
export const SESSION_DANGERS = [
  "cuts",
  "faults",
  "cancels",
  "sinkDies",
  "sourceDies",
  "bothDie",
  "outruns",
  "handsOver",
  "restless",
  "full",
  "slow",
  "rots",
  "shrinks",
  "delays",
  "halfOpen",
  "flips",
  "records",
  "hasty",
] as const;

/** All of them. */
export const DANGERS = [...SESSION_DANGERS, "lies"] as const;

/**
 * cuts: the wire breaks. faults: requests to disks fail, in part. cancels: somebody interrupts. sinkDies, sourceDies, bothDie: programs are
 * killed and started again. outruns: nothing but mirroring ends it. handsOver: from SEALED on the targets are another program's.
 * restless: the guest cannot always come to rest. full: a target has no space left. slow: disks and records take virtual milliseconds,
 * sometimes seconds. rots: a target keeps other bytes than it was given, and says nothing. shrinks: a disk ends before its size. delays: the wire
 * takes virtual time. halfOpen: the wire swallows everything, and nobody is told. flips: bits arrive otherwise than they were sent.
 * records: what must survive cannot be recorded. hasty: somebody wants to switch over at any time, in the bulk phase too. lies: a classic
 * source leaves a block out, or sends one behind the end, in frames that are whole.
 */
export type DangerName = (typeof DANGERS)[number];
export type Dangers = { readonly [Name in (typeof WIRE_DANGERS)[number]]?: boolean };
export type SessionDangers = { readonly [Name in DangerName]?: boolean };

/** A schedule that may end without completing, and why is no defect. */
const EXCUSES: readonly DangerName[] = [
  "faults",
  "cancels",
  "handsOver",
  "full",
  "rots",
  "shrinks",
  "flips",
  "records",
  "hasty",
  "lies",
];

/** Whether there is nothing among them that a migration over this wire may end by. */
export function mustComplete(simulation: Simulation, dangers: SessionDangers): boolean {
  if (simulation === "wire" && dangers.cuts) return false;
  return !EXCUSES.some((name) => dangers[name]);
}

export interface Schedule {
  readonly simulation: Simulation;
  readonly dangers: readonly DangerName[];
}

/** Which simulation a seed means, and what goes wrong in it, where nobody says. One in eight goes well. */
export function drawSchedule(seed: number, simulation?: Simulation): Schedule {
  const random = createRandom(seed ^ 0x5eed);
  const drawn = simulation ?? random.pick(["wire", "session", "session"] as const);
  const known: readonly DangerName[] = drawn === "wire" ? WIRE_DANGERS : SESSION_DANGERS;
  const wanted = random.pick([0, 1, 1, 1, 2, 2, 3, 5]);
  const left = [...known];
  const dangers = new Set(Array.from({ length: wanted }, () => left.splice(random.int(left.length), 1)[0]!));
  return { simulation: drawn, dangers: known.filter((name) => dangers.has(name)) };
}

export const dangersOf = (names: readonly DangerName[]): SessionDangers =>
  Object.fromEntries(names.map((name) => [name, true]));
