import { type Frame, overlap, sectorsOf, type Step, type World, ZERO } from "./laws-model-world.ts";

/** Frames that can be accepted from a connection, and sectors that can land. */
export function sinkSteps(world: World): Step[] {
  const { random, link, sink } = world;
  const isReady = (frame: Frame | undefined): boolean => frame !== undefined && random.next() < frame.pace;
  const arrived = link.connections.filter(({ queue }) => isReady(queue[0]));
  const landing = sink.accepted.filter(({ frame }, nth) => isReady(frame) && mayLand(world, nth));
  return [
    ...arrived.map((connection) => () => accept(world, connection.queue.shift()!)),
    ...landing.map((accepted) => () => landSector(world, accepted)),
  ];
}

/** Whether the sink has all that was sent to it in this epoch. */
export function hasEverything({ link, sink }: World): boolean {
  const isCurrent = ({ epoch }: { readonly epoch: number }): boolean => epoch === link.epoch;
  if (sink.accepted.some(({ frame }) => isCurrent(frame))) return false;
  return link.connections.every((connection) => !isCurrent(connection) || connection.queue.length === 0);
}

/** Lands what older connections still hold: if somebody reads them, somebody will do so sooner or later. */
export function landThePast({ link, sink }: World): void {
  const frames = [...sink.accepted.map(({ frame }) => frame), ...link.connections.flatMap(({ queue }) => queue)];
  for (const { start, contents, epoch } of frames) {
    if (epoch === link.epoch) continue;
    for (const [nth, content] of contents.entries()) sink.contents[start + nth] = content;
  }
}

function accept(world: World, frame: Frame): void {
  const { sink, obeys } = world;
  const isKnown = isZero(frame) && sectorsOf(frame).every((sector) => sink.knownZero.has(sector));
  if (isKnown) return frame.acknowledge();
  if (obeys("known-zero-until-accepted")) know(world, frame);
  sink.accepted.push({ frame, landed: 0 });
}

function mayLand({ sink, obeys }: World, nth: number): boolean {
  if (!obeys("arrival-order")) return true;
  const { frame } = sink.accepted[nth]!;
  return !sink.accepted.slice(0, nth).some((earlier) => overlap(earlier.frame, frame));
}

function landSector(world: World, accepted: World["sink"]["accepted"][number]): void {
  const { sink, obeys } = world;
  const { frame, landed } = accepted;
  sink.contents[frame.start + landed] = frame.contents[landed]!;
  accepted.landed += 1;
  if (accepted.landed < frame.contents.length) return;
  sink.accepted.splice(sink.accepted.indexOf(accepted), 1);
  if (!obeys("known-zero-until-accepted")) know(world, frame);
  frame.acknowledge();
}

function know({ sink }: World, frame: Frame): void {
  for (const sector of sectorsOf(frame)) {
    if (isZero(frame)) sink.knownZero.add(sector);
    else sink.knownZero.delete(sector);
  }
}

function isZero({ contents }: Frame): boolean {
  return contents.every((content) => content === ZERO);
}
