import { createRandom, type SeededRandom } from "@blkmig/testkit";

import type { Edge, Place } from "./halt.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";
import type { RecordedStates } from "./watch-records.test-kit.ts";

/** A process, or a wire. */
export type Victim = "serve" | "receive" | "send" | "wire" | "link";

/** One seed's life of a served disk: how it is moved, and what befalls whom. */
export interface Plan {
  readonly seed: number;
  readonly disks: readonly string[];
  /** A second guest on the first disk. */
  readonly second: boolean;
  /** A guest of the new owner's own, who waits there for the commit. */
  readonly early: boolean;
  readonly after: "forward" | "close" | "hold";
  /** Of `send --from`, whenever it is said. */
  readonly options: readonly string[];
  /** Whether clients are passed on through a relay that can be cut. */
  readonly relayed: boolean;
  readonly when: When;
  /** Milliseconds after that. */
  readonly delay: number;
  readonly victims: readonly Victim[];
  /** What is on the migration's wire then. */
  readonly flying: "lost" | "delivered";
  /** Later, while the operator mends it: after so many milliseconds each. */
  readonly later: readonly { readonly after: number; readonly victim: Victim }[];
  /** What the operator does when he may: ends a doubt by hand instead of asking; asks with a `send` of his own. */
  readonly operator: "patient" | "commits" | "aborts" | "offline";
}

/** A place on the wire; a record that says something; an event of the send; or so many records of the guest's after its end. */
type When =
  | { readonly is: "place"; readonly place: Place }
  | { readonly is: "record"; readonly role: keyof RecordedStates; readonly state: string }
  | { readonly is: "event"; readonly event: "pass" | "switchover" | "completed" }
  | { readonly is: "later"; readonly records: number };

const EDGES: readonly Edge[] = ["before", "amid", "after"];
const SAYS = [
  ["there", "hello"],
  ["back", "welcome"],
  ["there", "prepare"],
  ["back", "ready"],
  ["there", "seal"],
  ["back", "sealed"],
  ["there", "commit"],
  ["back", "committed"],
  ["there", "done"],
] as const;
const RECORDS = [
  ["source", "sending"],
  ["target", "incomplete"],
  ["target", "sealed"],
  ["source", "asked"],
  ["target", "committed"],
  ["source", "moved"],
] as const;

export function planLife(seed: number): Plan {
  const random = createRandom(77_000 + seed);
  const after = random.pick(["forward", "forward", "forward", "forward", "close", "hold"] as const);
  const relayed = after === "forward" && random.int(2) === 0;
  const victims = someVictims(random, relayed);
  const operator = random.pick(["patient", "patient", "patient", "offline", "commits", "aborts"] as const);
  return {
    seed,
    disks: random.int(3) === 0 ? ["a", "b"] : ["a"],
    second: random.int(3) === 0,
    early: random.int(3) === 0,
    after,
    // By hand a doubt is ended only when nobody asks any more.
    options: [
      ...someOptions(random),
      ...(operator === "commits" || operator === "aborts"
        ? ["--reconnect-for", "2s"]
        : random.pick([[], [], ["--reconnect-for", "2s"]])),
    ],
    relayed,
    when: someMoment(random),
    delay: random.pick([0, 0, 0, random.int(8), random.int(60)]),
    victims,
    flying: random.pick(["lost", "delivered"]),
    later: Array.from({ length: random.pick([0, 0, 1, 2]) }, () => ({
      after: random.int(1500),
      victim: random.pick(["serve", "receive", "send", "wire", relayed ? "link" : "serve"] as const),
    })),
    operator,
  };
}

function someVictims(random: SeededRandom, relayed: boolean): readonly Victim[] {
  const first = random.pick([
    "serve",
    "serve",
    "receive",
    "receive",
    "send",
    "wire",
    relayed ? "link" : "receive",
  ] as const);
  if (random.int(4) > 0) return [first];
  return [...new Set([first, random.pick(["serve", "receive", "send", "wire"] as const)])];
}

function someOptions(random: SeededRandom): readonly string[] {
  const speed = random.pick([[], [], ["--max-bandwidth", "24M"], ["--max-bandwidth", "8M"]]);
  const help = random.pick([[], ["--throttle"], ["--mirror"], ["--throttle", "--mirror"]]);
  return [...speed, ...help, ...random.pick([[], ["--no-verify"]])];
}

function someMoment(random: SeededRandom): When {
  const kind = random.int(8);
  if (kind < 3) {
    const [way, say] = random.pick(SAYS);
    return { is: "place", place: { way, say, edge: random.pick(EDGES) } };
  }
  if (kind < 5) {
    const [role, state] = random.pick(RECORDS);
    return { is: "record", role, state };
  }
  if (kind === 5) return { is: "event", event: random.pick(["pass", "switchover", "completed"]) };
  if (kind === 6) return { is: "later", records: random.int(60) };
  return { is: "place", place: { way: "there", byte: 8 + random.int(random.pick([2048, 6 * MIB])) } };
}

export function describeLife(plan: Plan): string {
  const { disks, second, early, after, options, relayed, when, delay, victims, flying, later, operator } = plan;
  const guests = `${second ? ", two guests" : ""}${early ? ", an early one" : ""}`;
  const how = ["--after", after, ...options].join(" ");
  const then = later.map(({ after: ms, victim }) => `; then the ${victim} after ${ms} ms`).join("");
  const who = `${victims.join(" and ")} ${describeMoment(when)}${delay > 0 ? ` and ${delay} ms` : ""}, ${flying}`;
  return `${disks.length} disk(s)${guests}, ${how}${relayed ? ", by a relay" : ""}: ${who}${then}; ${operator}`;
}

function describeMoment(when: When): string {
  switch (when.is) {
    case "place":
      return "byte" in when.place
        ? `${when.place.byte} bytes ${when.place.way}`
        : `${when.place.edge} '${when.place.say}'`;
    case "record":
      return `when the ${when.role} is ${when.state}`;
    case "event":
      return `at '${when.event}'`;
    case "later":
      return `${when.records} records after it moved`;
  }
}
