import { CommandError } from "../command-error.ts";
import type { DiskState } from "./live-state.ts";

/** A disk as far as it can be chosen. */
interface Choosable {
  readonly name: string;
  readonly state: DiskState;
}

/** The disks to move. `wanted` undefined: all. Throws `CommandError` `refused` for one that is not there, or not to be moved from here. */
export function chooseDisks<Disk extends Choosable>(
  disks: readonly Disk[],
  wanted: readonly string[] | undefined,
  resume: boolean,
): readonly Disk[] {
  const names = wanted ?? disks.map(({ name }) => name);
  if (names.length === 0) throw refused("no disk is named that shall be moved");
  if (new Set(names).size < names.length) throw refused("a disk is named twice");
  const chosen = names.map((name) => {
    const disk = disks.find((candidate) => candidate.name === name);
    if (disk) return disk;
    const there = disks.map((candidate) => `'${candidate.name}'`).join(", ");
    throw refused(`no disk '${name}' is served here; there are ${there}`);
  });
  for (const disk of chosen) {
    const why = whyNot(disk.state, resume);
    if (why !== undefined) throw refused(`disk '${disk.name}' ${why}`);
  }
  // One record decides for all of them: it cannot be in doubt for some and not for others.
  const inDoubt = chosen.filter(({ state }) => state.is === "in-doubt").length;
  if (inDoubt > 0 && inDoubt < chosen.length) {
    throw refused("some of these disks are in doubt: their migration is taken up again for them alone");
  }
  return chosen;
}

function whyNot(state: DiskState, resume: boolean): string | undefined {
  switch (state.is) {
    case "local":
      return undefined;
    case "in-doubt":
      return resume ? undefined : "is in doubt: say --resume to ask the receiver, or end it by hand (blkmig resolve)";
    case "waiting":
      return "has not come yet: its migration to here is not committed";
    case "paused":
    case "asked":
      return "is being moved: wait for its end, or end it by `blkmig cancel`";
    case "committed":
      return "has moved, and that could not be recorded here yet";
    case "moved":
    case "closed":
      return "has moved";
    case "forwarding":
      return `has moved: its clients are passed on to ${state.to}`;
    case "failed":
      return `has moved, and what became of it there: ${state.why}`;
  }
}

function refused(message: string): CommandError {
  return new CommandError("refused", message);
}
