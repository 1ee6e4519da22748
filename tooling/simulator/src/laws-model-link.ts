import { failCarried } from "./laws-model-guest.ts";
import { openConnections, type Step, type World } from "./laws-model-world.ts";

/** The connections may be cut, and made anew. */
export function linkSteps(world: World): Step[] {
  const { link, random, sink, obeys } = world;
  if (link.isUp) return link.cutsLeft > 0 && random.int(8) === 0 ? [() => cut(world)] : [];
  const mayReconnect = !obeys("epochs") || sink.accepted.length === 0;
  return mayReconnect ? [() => reconnect(world)] : [];
}

function cut(world: World): void {
  const { link, flights, source } = world;
  link.isUp = false;
  link.cutsLeft -= 1;
  for (const { granule } of flights) source.dirty.add(granule);
  flights.clear();
  failCarried(world);
}

function reconnect({ link, wire, obeys }: World): void {
  link.isUp = true;
  link.epoch += 1;
  const older = obeys("epochs") ? [] : link.connections;
  link.connections = [...older, ...openConnections(wire, link.epoch)];
}
