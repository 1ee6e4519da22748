import { send } from "./laws-model-send.ts";
import {
  granulesOf,
  type GuestWrite,
  overlap,
  type Place,
  SECTORS,
  sectorsOf,
  type Step,
  type World,
  ZERO,
} from "./laws-model-world.ts";

/** Writes that can begin, what those under way can do next, and what a migration does to the guest. */
export function guestSteps(world: World): Step[] {
  const { guest, random, link, wire } = world;
  const steps: Step[] = [...guest.writes]
    .filter((write) => mayGoOn(world, write))
    .map((write) => () => goOn(world, write));
  // Seldom, so that the guest still writes when the sink has most of it.
  if (guest.writesLeft > 0 && random.int(4) === 0) steps.push(() => begin(world));
  if (guest.writesLeft === 0 && !guest.isHeld) steps.push(() => (guest.isHeld = true));
  if (wire.acknowledges && link.isUp && !guest.isMirrored && random.int(8) === 0) {
    steps.push(() => (guest.isMirrored = true));
  }
  return steps;
}

/** Mirrored writes that have begun at the source and have not ended. */
export function mirroredUnderWay({ writes }: World["guest"]): GuestWrite[] {
  return [...writes].filter((write) => write.isMirrored && write.awaits !== "mirror");
}

/** The guest's writes that await the sink's answer cannot have it any more. */
export function failCarried(world: World): void {
  for (const write of world.guest.writes) {
    if (write.awaits !== "acknowledgement") continue;
    if (world.obeys("mirror-marks-failures")) mark(world, write);
    world.guest.writes.delete(write);
  }
  world.guest.isMirrored = false;
}

function begin(world: World): void {
  const { guest, random } = world;
  guest.writesLeft -= 1;
  guest.lastWritten += 1;
  const start = random.int(SECTORS);
  const end = Math.min(SECTORS, start + 1 + random.int(3));
  const write: GuestWrite = {
    start,
    end,
    content: random.int(3) === 0 ? ZERO : guest.lastWritten,
    landsUntil: random.int(8) === 0 ? start + random.int(end - start) : end,
    landed: start,
    isMirrored: guest.isMirrored,
    awaits: guest.isMirrored ? "mirror" : "landing",
  };
  guest.writes.add(write);
  if (!world.obeys("mark-after-landing")) mark(world, write);
}

function mayGoOn(world: World, write: GuestWrite): boolean {
  if (write.awaits === "acknowledgement") return false;
  return write.awaits !== "mirror" || mayBeMirrored(world, write);
}

function mayBeMirrored({ guest, flights, obeys }: World, write: GuestWrite): boolean {
  const granules = granulesOf(write);
  if (obeys("mirror-waits") && [...flights].some(({ granule }) => granules.has(granule))) return false;
  return !obeys("mirror-order") || !mirroredUnderWay(guest).some((other) => overlap(other, write));
}

function goOn(world: World, write: GuestWrite): void {
  if (write.awaits === "mirror") {
    write.awaits = "landing";
    // Without a sink the mirror will not have it: it goes on like any other.
    write.isMirrored = world.link.isUp;
  } else if (write.landed < write.landsUntil) {
    world.source.contents[write.landed] = write.content;
    write.landed += 1;
  } else if (write.awaits === "landing") {
    write.awaits = "answer";
  } else {
    answer(world, write);
  }
}

function answer(world: World, write: GuestWrite): void {
  const hasFailed = write.landed < write.end;
  if (write.isMirrored && world.link.isUp && !hasFailed) return carry(world, write);
  const isMarked = hasFailed ? world.obeys("mark-failures") : world.obeys("mark-after-landing");
  if (isMarked) mark(world, write);
  world.guest.writes.delete(write);
}

function carry(world: World, write: GuestWrite): void {
  write.awaits = "acknowledgement";
  const contents = sectorsOf(write).map(() => write.content);
  send(world, write, contents, () => {
    if (!world.obeys("mirror-clears-nothing"))
      for (const granule of granulesOf(write)) world.source.dirty.delete(granule);
    world.guest.writes.delete(write);
  });
}

function mark({ source }: World, place: Place): void {
  for (const granule of granulesOf(place)) source.dirty.add(granule);
}
