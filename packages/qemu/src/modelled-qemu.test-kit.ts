import { type FakeHandler, type FakeMonitor, FakeRefusal, startFakeMonitor } from "./fake-monitor.test-kit.ts";

/** What a modelled QEMU has. A test writes it, and looks at it. */
export interface ModelState {
  status: "running" | "paused" | "finish-migrate" | "postmigrate" | "shutdown" | "io-error";
  /** Undefined: there never was one. */
  migration: string | undefined;
  /** What `migrate_cancel` leads to; undefined: nowhere. */
  cancelled: { readonly migration: string; readonly status: ModelState["status"] } | undefined;
  /** As long as it is so, `finish-migrate` does not end. */
  hangs: boolean;
  server: boolean;
  readonly exports: { id: string; type: string; bitmap?: string; isStuck?: boolean }[];
  readonly bitmaps: { node: string; name: string }[];
  /** Those that are on. */
  readonly capabilities: Set<string>;
  downtimeLimit: number;
}

export interface ModelledQemu {
  readonly state: ModelState;
  readonly monitor: FakeMonitor;
}

/** A QEMU of so few words as cleaning needs, which says no where a real one does. */
export async function startModelledQemu(path: string, begin: Partial<ModelState>): Promise<ModelledQemu> {
  const state: ModelState = {
    status: "running",
    migration: undefined,
    cancelled: { migration: "cancelled", status: "running" },
    hangs: false,
    server: false,
    exports: [],
    bitmaps: [],
    capabilities: new Set(["return-path", "pause-before-switchover", "events", "xbzrle"]),
    downtimeLimit: 1,
    ...begin,
  };
  const handlers: Record<string, FakeHandler> = {
    "query-status": () => ({ running: state.status === "running", status: state.status }),
    "query-migrate": () => (state.migration === undefined ? {} : { status: state.migration }),
    "query-block-exports": () => state.exports.map(({ id, type }) => ({ id, type, "shutting-down": false })),
    "query-named-block-nodes": ({ flat }) => nodesOf(state, flat === true),
    "block-export-del": ({ id }) => {
      const found = state.exports.find((each) => each.id === id);
      if (!found) throw new FakeRefusal(`Export '${String(id)}' is not found`);
      if (found.isStuck) return;
      setImmediate(() => {
        state.exports.splice(state.exports.indexOf(found), 1);
        monitor.emit("BLOCK_EXPORT_DELETED", { id });
      });
    },
    "block-dirty-bitmap-add": ({ node, name, granularity, disabled }) => {
      if (granularity !== 2 ** 31 || disabled !== true) throw new FakeRefusal("that would be no mark");
      state.bitmaps.push({ node: String(node), name: String(name) });
    },
    "block-dirty-bitmap-remove": ({ node, name }) => {
      if (state.exports.some(({ bitmap }) => bitmap === name))
        throw new FakeRefusal(`Bitmap '${String(name)}' is busy`);
      const at = state.bitmaps.findIndex((each) => each.node === node && each.name === name);
      if (at < 0) throw new FakeRefusal(`Dirty bitmap '${String(name)}' not found`);
      state.bitmaps.splice(at, 1);
    },
    "nbd-server-stop": () => {
      if (!state.server) throw new FakeRefusal("NBD server not running");
      state.server = false;
      state.exports.splice(0, Infinity, ...state.exports.filter(({ type }) => type !== "nbd"));
    },
    "migrate-set-capabilities": ({ capabilities }) => {
      assertNoMigration(state);
      for (const { capability, state: on } of capabilities as readonly { capability: string; state: boolean }[]) {
        if (on) state.capabilities.add(capability);
        else state.capabilities.delete(capability);
      }
    },
    "migrate-set-parameters": (parameters) => {
      state.downtimeLimit = Number(parameters["downtime-limit"]);
    },
    migrate_cancel: () => {
      if (state.cancelled) comeTo(state, state.cancelled);
    },
    cont: () => {
      if (state.status === "finish-migrate") throw new FakeRefusal("Migration is not finalized yet");
      if (state.status === "shutdown") throw new FakeRefusal("Resetting the Virtual Machine is required");
      state.status = "running";
    },
  };
  const monitor = await startFakeMonitor({ path, handlers });
  return { state, monitor };
}

function assertNoMigration({ migration }: ModelState): void {
  const isOver = migration === undefined || ["completed", "failed", "cancelled"].includes(migration);
  if (!isOver) throw new FakeRefusal("There's a migration process in progress");
}

/** In steps, as QEMU does: what it says of its migration comes before what it says of the guest. */
function comeTo(state: ModelState, end: NonNullable<ModelState["cancelled"]>): void {
  const hadStopped = state.status === "finish-migrate";
  state.migration = "cancelling";
  setTimeout(() => {
    state.migration = end.migration;
    if (hadStopped && !state.hangs) setTimeout(() => (state.status = end.status), 5);
  }, 5);
}

function nodesOf({ bitmaps }: ModelState, flat: boolean): object[] {
  if (!flat) throw new FakeRefusal("that tells of each layer many times");
  // A job's own bitmap has no name, and most nodes have no bitmaps.
  const plain = { "node-name": "file0", drv: "file" };
  const named = ["disk0", "disk1"].map((node) => {
    const own = bitmaps.filter((each) => each.node === node).map(({ name }) => describe(name));
    return {
      "node-name": node,
      drv: "raw",
      "dirty-bitmaps": [...own, { count: 0, recording: true }, describe("theirs")],
    };
  });
  return [plain, ...named];
}

function describe(name: string): object {
  return { name, count: 0, granularity: 65536, recording: false, busy: false };
}
