import { throwFailures } from "./join-errors.ts";
import type { Tracker } from "./tracking.ts";

/**
 * Several trackers as one: `sync()` asks them all at one instant, and says their disks in the order of the trackers.
 * If one cannot start, those before it are stopped; stopping reaches all, whoever fails. After a `sync()` that failed
 * nothing is known of any disk: what the others had marked is lost, so stop, and begin anew.
 */
export function joinTrackers(trackers: readonly Tracker[]): Tracker {
  return {
    async start() {
      const outcomes = await startUntilOneFails(trackers);
      const started = trackers.slice(0, outcomes.length - 1);
      if (outcomes.every((outcome) => outcome.status === "fulfilled")) return;
      throwFailures([...outcomes, ...(await stopAll(started))], "a tracker would not start, then one would not stop");
    },
    async sync() {
      // All asked before the first answer is awaited: a guest that writes to two disks must not be torn between them.
      const answers = trackers.map((tracker) => tracker.sync());
      return (await Promise.all(answers)).flat();
    },
    async stop() {
      throwFailures(await stopAll(trackers), "some trackers would not stop");
    },
  };
}

async function startUntilOneFails(trackers: readonly Tracker[]): Promise<PromiseSettledResult<void>[]> {
  const outcomes: PromiseSettledResult<void>[] = [];
  for (const tracker of trackers) {
    const [outcome] = await Promise.allSettled([tracker.start()]);
    outcomes.push(outcome);
    if (outcome.status === "rejected") break;
  }
  return outcomes;
}

async function stopAll(trackers: readonly Tracker[]): Promise<PromiseSettledResult<void>[]> {
  return Promise.allSettled(trackers.map((tracker) => tracker.stop()));
}
