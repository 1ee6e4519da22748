import type { Qemu } from "./qemu.ts";

interface Turn {
  readonly at: number;
  readonly who: "source" | "destination";
  readonly runs: boolean;
}

/**
 * Since when a guest that one QEMU had and another one was to get ran in both, by the clock of their host; undefined if it never did.
 * The source ran it at the beginning, the destination waited.
 */
export function bothRan(source: Qemu, destination: Qemu): number | undefined {
  const turns = [...turnsOf(source, "source"), ...turnsOf(destination, "destination")];
  const running = { source: true, destination: false };
  for (const { at, who, runs } of turns.toSorted((one, other) => one.at - other.at)) {
    running[who] = runs;
    if (running.source && running.destination) return at;
  }
  return undefined;
}

function turnsOf({ qmp }: Qemu, who: Turn["who"]): readonly Turn[] {
  return qmp.events.flatMap(({ event, timestamp: { seconds, microseconds } }) => {
    if (event !== "RESUME" && event !== "STOP" && event !== "SHUTDOWN") return [];
    return [{ at: seconds * 1e6 + microseconds, who, runs: event === "RESUME" }];
  });
}
