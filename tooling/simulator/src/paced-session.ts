import { type BlockDevice, createMemoryDevice, type Guest, trackWrites } from "@blkmig/device";
import { createSinkSession } from "@blkmig/sink";
import {
  createMigration,
  type Migration,
  MigrationError,
  type MigrationEvent,
  type MigrationOptions,
  type MigrationResult,
  type SessionOptions,
} from "@blkmig/source";
import { createRandom } from "@blkmig/testkit";

import { createLife } from "./life.ts";
import { type DiskPace, pacedDevice } from "./paced-device.ts";
import { createFrameReader } from "./paced-frames.ts";
import { type PacedGuest, startPacedGuest } from "./paced-guest.ts";
import { createPacedTime } from "./paced-time.ts";
import { pacedWire, type WirePace } from "./paced-wire.ts";
import { createSessionRecords, sinkJournalOf, sourceJournalOf } from "./session-records.ts";

const MiB = 1024 * 1024;
export interface PacedSessionOptions {
  readonly wire: WirePace;
  /** Bytes: the grain of tracking and of sending. Default 64 KiB. */
  readonly granularity?: number;
  /** Bytes per second; 0: nobody writes. Default 0. */
  readonly guestRate?: number;
  /** Default: 100 MiB of data. */
  readonly origin?: BlockDevice;
  /** Default: as large, and full of garbage. */
  readonly target?: BlockDevice;
  readonly sinkDisk?: Partial<DiskPace>;
  readonly migration?: Pick<
    MigrationOptions,
    "throttle" | "mirror" | "downtimeLimit" | "maxBandwidth" | "convergence" | "confirm" | "overrun"
  >;
  readonly session?: Pick<SessionOptions, "verify" | "resume" | "frameBytes" | "reconnectFor" | "handOver">;
  /** What the sink's records say that it has, from a run before this one. */
  readonly held?: readonly { readonly offset: number; readonly length: number }[];
  readonly onEvent?: (event: MigrationEvent, paced: PacedSession) => void;
  /** Whether the disks are compared whole at the end. Default true. */
  readonly compare?: boolean;
}

/** One session on its way, in virtual time, and all that there is to measure. */
export interface PacedSession {
  readonly clock: ReturnType<typeof createPacedTime>["clock"];
  readonly migration: Migration;
  /** The face that the guest writes. */
  readonly face: BlockDevice;
  readonly guest: PacedGuest | undefined;
  readonly events: readonly MigrationEvent[];
  /** Frames of the source. */
  readonly frames: ReturnType<typeof createFrameReader>["frames"];
  /** What the source handed to its wire, and when. */
  readonly sent: readonly { readonly at: number; readonly bytes: number }[];
  /** When the guest was paused, resumed, throttled and mirrored. */
  readonly control: readonly { readonly what: string; readonly at: number }[];
  readonly committedAt: () => number | undefined;
  cancel(): void;
  cut(): void;
}

export interface PacedEnd extends PacedSession {
  readonly end: MigrationResult | MigrationError;
  /** Whether both disks are the same. */
  readonly same: boolean;
  readonly totalMs: number;
}

/** Runs a session from its begin to its end; its guest writes until then. */
export async function runPacedSession(options: PacedSessionOptions): Promise<PacedEnd> {
  const time = createPacedTime();
  return time.run(runIn(time.clock, options));
}

async function runIn(clock: PacedSession["clock"], options: PacedSessionOptions): Promise<PacedEnd> {
  const origin = options.origin ?? createMemoryDevice({ size: 100 * MiB, fill: 7 });
  const target = options.target ?? createMemoryDevice({ size: origin.size, fill: 0xe5 });
  const paced = startPacedSession(clock, origin, target, options);
  const end = await paced.migration.run().catch((error: unknown) => {
    if (error instanceof MigrationError) return error;
    throw error;
  });
  const totalMs = clock.now();
  paced.guest?.stop();
  if (end instanceof MigrationError) await paced.guest?.done;
  return { ...paced, end, totalMs, same: options.compare === false || (await isSame(origin, target)) };
}

function startPacedSession(
  clock: PacedSession["clock"],
  origin: BlockDevice,
  target: BlockDevice,
  options: PacedSessionOptions,
): PacedSession {
  const records = createSessionRecords();
  const writing = { life: createLife(), turn: async () => {} };
  const { granularity = 64 * 1024 } = options;
  const disk = { requestMs: 0.1, flushMs: 1 };
  const tracked = trackWrites(pacedDevice(origin, clock, disk), { granularity, clock });
  const control: { what: string; at: number }[] = [];
  const sent: { at: number; bytes: number }[] = [];
  const reader = createFrameReader(() => clock.now());
  const controller = new AbortController();
  const events: MigrationEvent[] = [];
  let committedAt: number | undefined;
  let wire: ReturnType<typeof pacedWire> | undefined;

  const onSent = (data: readonly Uint8Array[]): void => {
    reader.take(data);
    sent.push({ at: clock.now(), bytes: data.reduce((sum, { length }) => sum + length, 0) });
  };

  const sink = createSinkSession({
    clock,
    open: async () => ({
      devices: [pacedDevice(target, clock, { ...disk, ...options.sinkDisk })],
      journal: sinkJournalOf(records, writing, {
        async onCommitted() {
          committedAt = clock.now();
        },
        onTakenBack() {},
      }),
      ...(options.held ? { found: { state: "open", attempt: 0, held: [options.held] } } : {}),
      handOver: async () => {},
      close: async () => {},
    }),
  });
  sink.ended.catch(() => {}); // a session that was cancelled: the source says so too

  const migration = createMigration({
    disks: [{ name: "vda", device: tracked.disk }],
    tracker: tracked.tracker,
    guest: watched(tracked.control, (what) => control.push({ what, at: clock.now() })),
    ...options.migration,
    session: {
      migration: "m-1",
      granularity,
      journal: sourceJournalOf(records, writing),
      ...options.session,
      async connect() {
        reader.restart();
        const { near, far } = (wire = pacedWire(clock, options.wire, { there: onSent }));
        void sink.take(far).then(() => far.finish().catch(() => undefined));
        return near;
      },
    },
    clock,
    signal: controller.signal,
    onEvent(event) {
      events.push(event);
      options.onEvent?.(event, paced);
    },
  });
  const { guestRate = 0 } = options;
  const guest =
    guestRate === 0
      ? undefined
      : startPacedGuest({
          face: tracked.guest,
          clock,
          random: createRandom(7),
          bytesPerSecond: guestRate,
          granularity,
        });
  const paced: PacedSession = {
    clock,
    migration,
    face: tracked.guest,
    guest,
    events,
    frames: reader.frames,
    sent,
    control,
    committedAt: () => committedAt,
    cancel: () => controller.abort(),
    cut: () => wire?.cut(),
  };
  return paced;
}

/** Tells what is done to a guest. */
function watched(guest: Required<Guest>, tell: (what: string) => void): Required<Guest> {
  return {
    pause() {
      tell("pause");
      return guest.pause();
    },
    resume() {
      tell("resume");
      return guest.resume();
    },
    throttle(rate) {
      tell(rate === undefined ? "unthrottle" : `throttle ${rate}`);
      guest.throttle(rate);
    },
    mirror(mirror) {
      tell(mirror ? "mirror" : "unmirror");
      guest.mirror(mirror);
    },
  };
}

async function isSame(a: BlockDevice, b: BlockDevice): Promise<boolean> {
  const [left, right] = [Buffer.alloc(MiB), Buffer.alloc(MiB)];
  for (let offset = 0; offset < a.size; offset += MiB) {
    const length = Math.min(MiB, a.size - offset);
    await a.read(offset, left.subarray(0, length));
    await b.read(offset, right.subarray(0, length));
    if (!left.subarray(0, length).equals(right.subarray(0, length))) return false;
  }
  return true;
}
