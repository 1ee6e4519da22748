import { CONVERGED, createReleasedDisks } from "./machine-disks.test-kit.ts";
import { createFakeMachine, passUntil, ram, settle } from "./machine-fake.test-kit.ts";
import { createMachineMove } from "./machine-move.ts";
import { HandClock } from "./qmp-clock.test-kit.ts";

/** Two machines that are not there, and time that passes by hand. */
export function createFakePair() {
  const clock = new HandClock();
  const source = createFakeMachine("unix:///a", "running");
  const destination = createFakeMachine("unix:///b", "inmigrate");
  const live = createReleasedDisks();
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const uri = "tcp:there:4444";
  const move = createMachineMove({ source, destination, uri, live, downtimeLimit: () => 300, clock, warn });
  return { clock, source, destination, live, move, warnings };
}

type FakePair = ReturnType<typeof createFakePair>;

/** The memory is under way, like this, and has been asked for once. */
export async function sending(memory: Readonly<Record<string, unknown>> = ram()): Promise<FakePair> {
  const pair = createFakePair();
  pair.source.answers["migrate"] = () => pair.source.reach("active", memory);
  await pair.move.prepare();
  pair.move.converges(CONVERGED);
  await settle();
  return pair;
}

/** QEMU has stopped the guest, and its migration comes to this, if to anything. */
export function stopAt({ source }: FakePair, status: string): void {
  source.guest = "finish-migrate";
  source.emit("STOP");
  if (status) source.reach(status);
}

/** The guest stands still, at pre-switchover. */
export async function held(): Promise<FakePair> {
  const pair = await sending();
  stopAt(pair, "pre-switchover");
  await pair.move.guest.pause();
  return pair;
}

/** The destination has it as soon as the source says so. */
export async function handed(): Promise<FakePair> {
  const pair = await held();
  const handing = pair.move.handOver();
  await settle();
  pair.destination.guest = "paused";
  await passUntil(pair.clock, handing);
  return pair;
}
