import { type MigrationEvent, MigrationError, type Statistics } from "@blkmig/source";

import { CommandError } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import type { LiveServer, LiveStatus, MoveOptions, MoveResult } from "../live/live-contract.ts";

const MIB = 1024 * 1024;

/** A live server without disks and clients, whose migrations take the course that a test wants. */
export interface FakeLiveServer extends LiveServer {
  /** What it was told, in order. */
  readonly told: readonly unknown[];
  /** Settles when a migration runs; gives what was asked for. */
  moving(): Promise<MoveOptions>;
  /** Of the migration that runs. */
  tell(event: MigrationEvent): void;
  say(message: string): void;
  /** From now on it cannot be cancelled. */
  askForCommit(): void;
  /** Ends it. */
  complete(): void;
  leaveInDoubt(): void;
}

export const STATISTICS: Statistics = {
  status: "active",
  phase: "dirty",
  transferred: 2 * MIB,
  acknowledged: 2 * MIB,
  remaining: MIB / 2,
  toVerify: 0,
  total: MIB,
  dirtySyncCount: 1,
  dirtyRate: 4096,
  bandwidth: 100 * MIB,
  expectedDowntime: 5,
  downtime: undefined,
  reconnects: 0,
  verified: 0,
  throttle: undefined,
  mirroring: false,
  setupTime: 3,
  totalTime: 20,
  disks: [
    { name: "vda", size: MIB, remaining: MIB / 2, dataBytes: MIB / 2, zeroBytes: 0, skippedBytes: 0, equalBytes: 0 },
  ],
};

const MIGRATION = "0f1e2d3c";

interface Running {
  readonly options: MoveOptions;
  readonly onEvent: (event: MigrationEvent) => void;
  readonly say: (message: string) => void;
  readonly complete: () => void;
  readonly fail: (error: Error) => void;
}

export function createFakeLiveServer(): FakeLiveServer {
  const told: unknown[] = [];
  let running: Running | undefined;
  let isAsked = false;
  let last: LiveStatus["migration"];
  let onMoving: ((options: MoveOptions) => void) | undefined;

  const current = (): Running => {
    if (!running) throw new CommandError("refused", "no migration runs");
    return running;
  };

  const run = async (options: MoveOptions, parts: Pick<Running, "onEvent" | "say">): Promise<void> => {
    try {
      await new Promise<void>((complete, fail) => {
        running = { options, ...parts, complete, fail };
        onMoving?.(options);
      });
    } finally {
      running = undefined;
    }
  };

  const move: LiveServer["move"] = async (options, { onEvent, say }) => {
    if (running) throw new CommandError("refused", "a migration runs already");
    const about = { id: MIGRATION, to: options.to.kind, disks: options.disks ?? ["vda"], statistics: STATISTICS };
    last = about;
    try {
      await run(options, { onEvent, say });
    } catch (error) {
      const ended = error instanceof InDoubt ? "in-doubt" : "cancelled";
      last = { ...about, ended, message: (error as Error).message };
      throw error;
    }
    last = { ...about, ended: "completed" };
    const { after } = options;
    const statistics: Statistics = { ...STATISTICS, status: "completed", remaining: 0, downtime: 7 };
    const result: MoveResult = { proved: true, statistics, downtime: 12.4, migration: MIGRATION, after };
    return after === "forward" ? { ...result, serve: "nbd://there:10809" } : result;
  };

  const cancel = (): boolean => {
    const where = { phase: "dirty", pending: 1, guest: "running" } as const;
    if (!isAsked) running?.fail(new MigrationError("cancelled", "cancelled", where));
    return running !== undefined;
  };

  return {
    nbd: ["nbd://127.0.0.1:10809"],
    told,
    status: () => ({
      nbd: ["nbd://127.0.0.1:10809"],
      disks: [
        { name: "vda", path: "/vm.img", size: MIB, readOnly: false, state: "local", clients: ["tcp://127.0.0.1:4000"] },
      ],
      ...(last ? { migration: last } : {}),
    }),
    open: () => {},
    move,
    cancel,
    setLimits(limits) {
      current();
      told.push(limits);
    },
    async resolve(migration, verdict) {
      if (migration !== MIGRATION) throw new CommandError("refused", `migration ${migration} is not in doubt here`);
      told.push({ migration, verdict });
    },
    over: new Promise(() => {}),
    close: async () => void cancel(),
    moving: () =>
      new Promise((resolve) => {
        if (running) resolve(running.options);
        else onMoving = resolve;
      }),
    tell: (event) => current().onEvent(event),
    say: (message) => current().say(message),
    askForCommit: () => void (isAsked = true),
    complete: () => current().complete(),
    leaveInDoubt: () => current().fail(new InDoubt(MIGRATION, ["by path"], "nobody knows whether it was committed")),
  };
}
