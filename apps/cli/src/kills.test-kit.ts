import { createRandom, type SeededRandom } from "@blkmig/testkit";

import type { Edge, Place } from "./halt.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";
import type { Role } from "./session-move.test-kit.ts";
import type { RecordedStates } from "./watch-records.test-kit.ts";

/** One kill: who, when, and what becomes of the bytes that are on their way. */
export interface Kill {
  readonly victim: Role;
  readonly wire: "tcp" | "unix" | "ws";
  readonly when: When;
  readonly flying: "lost" | "delivered";
  readonly target: "garbage" | "nothing";
  readonly options: readonly string[];
}

/** When the wire has come to a place, or as soon as a record is seen to say something. */
type When = Place | { readonly role: keyof RecordedStates; readonly state: string };

const EDGES: readonly Edge[] = ["before", "amid", "after"];

/** Everything that is said around a commit, and all that is recorded. */
const MOMENTS: readonly (Omit<Extract<Place, { say: string }>, "edge"> | Extract<When, { role: string }>)[] = [
  { way: "there", say: "hello" },
  { way: "back", say: "welcome" },
  { way: "there", say: "flush" },
  { way: "back", say: "flushed" },
  { way: "there", say: "prepare" },
  { way: "back", say: "ready" },
  { way: "there", say: "seal" },
  { way: "back", say: "sealed" },
  { way: "there", say: "commit" },
  { way: "back", say: "committed" },
  { way: "there", say: "done" },
  { role: "source", state: "sending" },
  { role: "target", state: "incomplete" },
  { role: "target", state: "sealed" },
  { role: "source", state: "asked" },
  { role: "target", state: "committed" },
];

/** Every third kill is at some byte; the others go through the moments. The same for the same number. */
export function planKill(number: number): Kill {
  const random = createRandom(9000 + number);
  const when = number % 3 === 2 ? someByte(random) : moment(number - Math.floor(number / 3), random);
  // What a client says over a WebSocket is masked: no message is found in it.
  const isHidden = "say" in when && when.way === "there";
  return {
    victim: random.pick(["sender", "receiver"]),
    wire: random.pick(isHidden ? ["tcp", "unix"] : ["tcp", "tcp", "unix", "ws"]),
    when,
    flying: random.pick(["lost", "delivered"]),
    target: random.pick(["garbage", "nothing"]),
    options: random.pick([[], ["--no-verify"], ["--max-bandwidth", "100M"], ["--granularity", "4K"]]),
  };
}

function someByte(random: SeededRandom): Place {
  if (random.int(4) === 0) return { way: "back", byte: 8 + random.int(2048) };
  return { way: "there", byte: 8 + random.int(random.pick([1024, 8 * MIB])) };
}

function moment(at: number, random: SeededRandom): When {
  const chosen = MOMENTS[at % MOMENTS.length]!;
  return "say" in chosen ? { ...chosen, edge: random.pick(EDGES) } : chosen;
}

export function describeKill({ victim, wire, when, flying, target, options }: Kill): string {
  const last = [flying === "lost" ? "what is on its way is lost" : "what is on its way arrives"];
  const how = [...last, `${target} at the target`, ...options].join(", ");
  return `the ${victim} over ${wire}, ${describeWhen(when)}; ${how}`;
}

function describeWhen(when: When): string {
  if ("role" in when) return `when the ${when.role} is on record as ${when.state}`;
  if ("byte" in when) return `${when.byte} bytes ${when.way}`;
  return `${when.edge} '${when.say}'`;
}
