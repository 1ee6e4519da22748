import { createRandom } from "@blkmig/testkit";

import { flightSteps } from "./laws-model-flights.ts";
import { guestSteps } from "./laws-model-guest.ts";
import { linkSteps } from "./laws-model-link.ts";
import type { Rule } from "./laws-model-rules.ts";
import { hasEverything, landThePast, sinkSteps } from "./laws-model-sink.ts";
import { createWorld, type Step, type Wire, type World } from "./laws-model-world.ts";

/** A run that has gone on for so long has no end. */
const MOST_STEPS = 2000;

/**
 * One migration of a tiny disk under a writing guest, as the laws describe it and nothing else: no bytes, no promises, one
 * random step after the other. Says how the sink compares with the source when the source says completed; undefined if it
 * never does.
 */
export function runModel(seed: number, wire: Wire, broken?: Rule): "same" | "different" | undefined {
  const random = createRandom(seed);
  const world = createWorld(random, wire, (rule) => rule !== broken);
  for (let nth = 0; nth < MOST_STEPS; nth++) {
    if (mayComplete(world) && random.int(3) === 0) return verdict(world);
    const steps = stepsOf(world);
    if (steps.length > 0) random.pick(steps)();
  }
  return undefined;
}

function stepsOf(world: World): Step[] {
  return [...guestSteps(world), ...flightSteps(world), ...sinkSteps(world), ...linkSteps(world)];
}

function mayComplete(world: World): boolean {
  const { guest, flights, source, link, obeys } = world;
  if (!link.isUp || !guest.isHeld || source.dirty.size > 0) return false;
  if (obeys("drained-pause") && guest.writes.size > 0) return false;
  const isAllSent = [...flights].every(({ phases }) => phases.length === 0);
  return isAllSent && (!obeys("proof") || (flights.size === 0 && hasEverything(world)));
}

function verdict(world: World): "same" | "different" {
  const { source, sink, guest } = world;
  // Nothing is left of either, unless a rule is broken.
  for (const { landed, landsUntil, content } of guest.writes) source.contents.fill(content, landed, landsUntil);
  landThePast(world);
  return source.contents.every((content, sector) => sink.contents[sector] === content) ? "same" : "different";
}
