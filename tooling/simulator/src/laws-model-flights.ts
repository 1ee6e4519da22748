import { mirroredUnderWay } from "./laws-model-guest.ts";
import { send } from "./laws-model-send.ts";
import {
  type Flight,
  granulesOf,
  type Phase,
  type Place,
  placeOf,
  sectorsOf,
  type Step,
  type World,
  ZERO,
} from "./laws-model-world.ts";

/** Flights that can begin, and what those under way can do next. */
export function flightSteps(world: World): Step[] {
  const dirty = world.link.isUp ? [...world.source.dirty] : [];
  const free = dirty.filter((granule) => mayFly(world, granule));
  const moving = [...world.flights].filter((flight) => flight.phases.length > 0);
  return [...free.map((granule) => () => begin(world, granule)), ...moving.map((flight) => () => goOn(world, flight))];
}

function mayFly({ flights, guest, obeys }: World, granule: number): boolean {
  if ([...flights].some((flight) => flight.granule === granule)) return false;
  if (!obeys("mirror-waits")) return true;
  return !mirroredUnderWay(guest).some((write) => granulesOf(write).has(granule));
}

function begin(world: World, granule: number): void {
  const whole = placeOf(granule);
  const parts = world.obeys("whole-granule") ? [whole] : sectorsOf(whole).map((start) => ({ start, end: start + 1 }));
  const flight: Flight = { granule, parts, phases: [], zero: new Set(), contents: [] };
  world.flights.add(flight);
  beginPart(world, flight);
}

/** The next part, or the end of the flight. */
function beginPart(world: World, flight: Flight): void {
  const [part] = flight.parts;
  if (part === undefined) return void world.flights.delete(flight);
  flight.phases = phasesOf(world, part);
  flight.zero.clear();
  flight.contents = [];
}

/** Other requests come between any two of them. */
function phasesOf({ obeys }: World, part: Place): Phase[] {
  const reads = sectorsOf(part).map((): Phase => "read");
  if (!obeys("clear-then-read")) return ["ask", ...reads, "clear", "send"];
  if (!obeys("ask-after-clear")) return ["ask", "clear", ...reads, "send"];
  return ["clear", "ask", ...reads, "send"];
}

function goOn(world: World, flight: Flight): void {
  const [part] = flight.parts;
  const phase = flight.phases.shift();
  if (part !== undefined && phase !== undefined) perform(world, flight, part, phase);
}

function perform(world: World, flight: Flight, part: Place, phase: Phase): void {
  const { source } = world;
  switch (phase) {
    case "clear":
      source.dirty.delete(flight.granule);
      break;
    case "ask":
      flight.zero = new Set(sectorsOf(part).filter((sector) => source.contents[sector] === ZERO));
      break;
    case "read": {
      const sector = part.start + flight.contents.length;
      flight.contents.push(flight.zero.has(sector) ? ZERO : source.contents[sector]!);
      break;
    }
    case "send":
      sendPart(world, flight, part);
  }
}

function sendPart(world: World, flight: Flight, part: Place): void {
  const settle = (): void => {
    flight.parts.shift();
    beginPart(world, flight);
  };
  const isAwaited = world.wire.acknowledges && world.obeys("flight-until-acknowledged");
  send(world, part, flight.contents, isAwaited ? settle : () => {});
  if (!isAwaited) settle();
}
