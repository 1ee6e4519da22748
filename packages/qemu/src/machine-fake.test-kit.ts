import { QemuError, type QemuErrorCode } from "./qemu-error.ts";
import type { HandClock } from "./qmp-clock.test-kit.ts";
import type { Qmp, QmpEvent } from "./qmp-contract.ts";

type Answer = (parameters: Readonly<Record<string, unknown>>) => unknown;

/** A monitor in memory, and the little of a QEMU that a machine's move asks for. What it is like may be changed at any time. */
export interface FakeMachine extends Qmp {
  guest: string;
  migration: Record<string, unknown>;
  readonly capabilities: Set<string>;
  downtimeLimit: number;
  /** Instead of its own answers, by command. */
  readonly answers: Record<string, Answer>;
  /** `command`, with what it was told where that is short. */
  readonly calls: readonly string[];
  emit(event: string, data?: Readonly<Record<string, unknown>>): void;
  /** Its migration comes to this, with the event. */
  reach(status: string, more?: Readonly<Record<string, unknown>>): void;
  die(): void;
}

export function createFakeMachine(url: string, guest: string): FakeMachine {
  const listeners = new Set<(event: QmpEvent) => void>();
  const over = new AbortController();
  const calls: string[] = [];
  const own: Record<string, Answer> = {
    "query-status": () => ({ status: machine.guest, running: machine.guest === "running" }),
    "query-migrate": () => machine.migration,
    "query-migrate-capabilities": () =>
      [...ALL].map((capability) => ({ capability, state: machine.capabilities.has(capability) })),
    "migrate-set-capabilities": ({ capabilities }) => {
      for (const { capability, state } of capabilities as { capability: string; state: boolean }[]) {
        if (state) machine.capabilities.add(capability);
        else machine.capabilities.delete(capability);
      }
    },
    "query-migrate-parameters": () => ({ "downtime-limit": machine.downtimeLimit }),
    "migrate-set-parameters": (parameters) => (machine.downtimeLimit = Number(parameters["downtime-limit"])),
    migrate: () => machine.reach("active", ram()),
    migrate_cancel() {
      machine.reach("cancelling");
      run();
      machine.reach("cancelled");
    },
    "migrate-continue"() {
      machine.reach("completed");
      machine.guest = "postmigrate";
    },
    stop() {},
    cont: () => run(),
    quit: () => machine.die(),
  };
  const run = (): void => {
    if (machine.guest === "running") return;
    machine.guest = "running";
    machine.emit("RESUME");
  };
  const machine: FakeMachine = {
    url,
    version: { major: 10, minor: 0, micro: 2, package: "" },
    guest,
    migration: {},
    capabilities: new Set(),
    downtimeLimit: 300,
    answers: {},
    calls,
    ended: over.signal,
    async execute(command, parameters = {}) {
      if (over.signal.aborted) throw over.signal.reason;
      calls.push([command, ...Object.values(parameters).filter((value) => typeof value !== "object")].join(" "));
      const answer = machine.answers[command] ?? own[command]!;
      const value = (await answer(parameters)) ?? {};
      if (over.signal.aborted && command !== "quit") throw over.signal.reason;
      return value;
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    events: () => {
      throw new Error("nobody asks for these here");
    },
    emit(event, data = {}) {
      for (const listener of listeners) listener({ event, data, at: 0 });
    },
    reach(status, more = {}) {
      machine.migration = { ...machine.migration, ...more, status };
      machine.emit("MIGRATION", { status });
    },
    die: () => over.abort(new QemuError("gone", url, "the monitor has closed")),
    close() {},
  };
  return machine;
}

const ALL = ["return-path", "pause-before-switchover", "events", "postcopy-ram", "dirty-bitmaps", "multifd", "block"];

/** A memory of which nothing is left, unless something is said. */
export function ram(part: { expected?: number; remaining?: number; passes?: number } = {}) {
  const { expected = 0, remaining = 0, passes = 2 } = part;
  const bytes = { transferred: 1e6, remaining, total: 1e8, mbps: 8, "dirty-sync-count": passes };
  return { "expected-downtime": expected, ram: bytes };
}

export function refuse(code: QemuErrorCode, what: string): Answer {
  return () => {
    throw new QemuError(code, "fake", what);
  };
}

/** Many turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets time pass, in small steps, until it has settled. */
export async function passUntil<T>(clock: HandClock, settling: Promise<T>, stepMs = 50): Promise<T> {
  let isSettled = false;
  const end = (): void => void (isSettled = true);
  settling.then(end, end);
  await settle();
  while (!isSettled) {
    clock.pass(stepMs);
    await settle();
  }
  return settling;
}
