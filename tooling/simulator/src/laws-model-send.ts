import type { Content, Place, World } from "./laws-model-world.ts";

/** Puts a frame on one of the current connections; `acknowledge` is called if the sink says in time that it has landed. */
export function send(world: World, place: Place, contents: readonly Content[], acknowledge: () => void): void {
  const { link, random } = world;
  const { epoch } = link;
  const { start, end } = place;
  const current = link.connections.filter((connection) => connection.epoch === epoch);
  random.pick(current).queue.push({
    start,
    end,
    contents,
    epoch,
    // Slow frames let much happen before they land: else the past is over too soon to be met.
    pace: random.pick([1, 1, 0.03]),
    acknowledge: () => {
      // A word from the past is not heard: what it speaks of is dirty again.
      if (link.isUp && link.epoch === epoch) acknowledge();
    },
  });
}
