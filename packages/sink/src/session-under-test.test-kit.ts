import { type BlockDevice, type Clock, createMemoryDevice } from "@blkmig/device";
import type { SessionMessage } from "@blkmig/protocol";

import { createHandDrivenSource, type HandDrivenSource } from "./hand-driven-source.test-kit.ts";
import { LoadError } from "./load-error.ts";
import type {
  ConnectionEnd,
  SessionTargets,
  SinkJournal,
  SinkSession,
  SinkSessionEvent,
  SinkSessionOptions,
} from "./session-contract.ts";
import { createSinkSession } from "./sink-session.ts";

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GARBAGE = 0xe5;
export const GRANULE = 64 * KiB;

export type HelloMessage = Extract<SessionMessage, { readonly say: "hello" }>;

/** A clock that stands until it is moved. */
export function createStandingClock() {
  let now = 0;
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          resolve();
        });
      }),
  };
  return {
    clock,
    async advance(ms: number): Promise<void> {
      now += ms;
      for (const sleeper of sleepers) {
        if (sleeper.at > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    },
  };
}

export interface UnderTestOptions extends Partial<Omit<SinkSessionOptions, "open">> {
  readonly size?: number;
  /** What stands before the memory device. */
  readonly before?: (device: BlockDevice) => BlockDevice;
  readonly journal?: Partial<SinkJournal>;
  readonly targets?: Partial<SessionTargets>;
  readonly open?: () => never;
}

export interface Connected extends HandDrivenSource {
  readonly taking: Promise<ConnectionEnd>;
}

/** A session with one target of garbage, and what it did in its order. */
export function createSessionUnderTest(options: UnderTestOptions = {}) {
  const { size = 4 * MiB, before, journal, targets, open, ...rest } = options;
  const disk = createMemoryDevice({ name: "vda", size, fill: GARBAGE });
  const steps: string[] = [];
  const events: SinkSessionEvent[] = [];
  const recording = (device: BlockDevice): BlockDevice => ({
    ...device,
    extents: device.extents.bind(device),
    async write(offset, data) {
      await device.write(offset, data);
      steps.push("write");
    },
    async zero(offset, length, zeroing) {
      await device.zero(offset, length, zeroing);
      steps.push("zero");
    },
    async flush() {
      await device.flush();
      steps.push("flush");
    },
  });
  const device = recording(before ? before(disk) : disk);
  const session: SinkSession = createSinkSession({
    clock: createStandingClock().clock,
    ...rest,
    onEvent: (event) => {
      events.push(event);
      rest.onEvent?.(event);
    },
    open: async () => {
      open?.();
      return {
        devices: [device],
        journal: {
          begin: async () => void steps.push("begin"),
          held: async (disks) => void steps.push(`held ${disks.map((runs) => textOf(runs)).join(" ")}`),
          decide: async (state, attempt) => void steps.push(`${state} ${attempt}`),
          done: async () => void steps.push("done"),
          ...journal,
        },
        close: async (written) => void steps.push(`close ${written}`),
        ...targets,
      };
    },
  });

  const hello: HelloMessage = {
    say: "hello",
    versions: [2, 2],
    features: [],
    migration: "m-1",
    source: "s-1",
    disks: [{ name: "vda", size, granularity: GRANULE }],
    frameBytes: MiB,
    resume: false,
    incremental: false,
    clone: false,
  };

  const dial = (split?: number): Connected => {
    const source = createHandDrivenSource(split);
    const taking = session.take(source.wire);
    return { ...source, taking };
  };

  return {
    session,
    steps,
    events,
    hello,
    dial,
    /** A connection that has said HELLO. */
    greet(said: Partial<HelloMessage> = {}, split?: number): Connected {
      const source = dial(split);
      source.open();
      source.say({ ...hello, ...said });
      return source;
    },
    /** A connection that was welcomed. */
    async connect(said: Partial<HelloMessage> = {}, split?: number): Promise<Connected> {
      const source = this.greet(said, split);
      await source.heard("welcome");
      return source;
    },
    async content(offset = 0, length = size - offset): Promise<Buffer> {
      const bytes = Buffer.alloc(length);
      await disk.read(offset, bytes);
      return bytes;
    },
    /** How the session failed. */
    async failure(): Promise<LoadError> {
      const error: unknown = await session.ended.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof LoadError)) throw new Error(`no LoadError: ${String(error)}`);
      return error;
    },
    isOver: (): Promise<boolean> =>
      Promise.race([
        session.ended.then(
          () => true,
          () => true,
        ),
        new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
      ]),
  };
}

const textOf = (runs: Iterable<{ readonly offset: number; readonly length: number }>): string =>
  [...runs].map(({ offset, length }) => `${offset / KiB}+${length / KiB}`).join(",") || "nothing";

/** A promise that is settled from outside. */
export function createGate() {
  let pass = (): void => {};
  const passed = new Promise<void>((resolve) => {
    pass = resolve;
  });
  return { passed, pass: () => pass() };
}
