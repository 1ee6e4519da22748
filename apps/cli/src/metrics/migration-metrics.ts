import type { Fields } from "../output/json-lines.ts";
import type { Output } from "../output/output.ts";
import { counter, type Family, gauge } from "./exposition.ts";

/** Of all migrations of this process, one after the other. */
export interface MigrationMetrics {
  /** The same output, with what is told to it noted. */
  watch(output: Output): Output;
  families(): readonly Family[];
}

const PHASES = ["setup", "bulk", "dirty", "switchover"] as const;
const RESULTS = ["completed", "failed", "cancelled", "in-doubt"] as const;
type Result = (typeof RESULTS)[number];

export function createMigrationMetrics(): MigrationMetrics {
  const results = new Map<Result, number>(RESULTS.map((result) => [result, 0]));
  /** The last that was told of the migration that runs, or ran last. */
  let told: Fields = {};
  let isRunning = false;
  let transferred = 0;
  let transferredBefore = 0;
  let reconnects = 0;

  const note = (fields: Fields): void => {
    told = { ...told, ...known(fields) };
    const now = numberIn(fields, "transferred") ?? transferred;
    if (now < transferred) transferredBefore += transferred; // begun anew: a counter never falls
    transferred = now;
  };
  const begin = (): void => {
    if (isRunning) return;
    isRunning = true;
    told = {};
  };
  const end = (result: Result): void => {
    isRunning = false;
    results.set(result, results.get(result)! + 1);
    transferredBefore += transferred;
    transferred = 0;
    told = { ...told, phase: undefined, "dirty-rate": 0, bandwidth: 0, "expected-downtime": undefined };
    if (result === "completed") told = { ...told, remaining: 0, "to-verify": 0 };
  };
  const onEvent = (event: string, fields: Fields): void => {
    // A sender says each try, and in the end that it has another connection; a receiver that one has broken.
    if (event === "reconnect" && fields["connected"] !== false) reconnects++;
    if (event !== "completed") return;
    note(fields);
    end("completed");
  };

  return {
    watch: (output) => ({
      ...output,
      progress(progress, status) {
        begin();
        note(status);
        output.progress(progress, status);
      },
      event(event, fields) {
        onEvent(event, fields);
        output.event(event, fields);
      },
      ended(ending) {
        end(ending.event);
        output.ended(ending);
      },
    }),
    families() {
      const seconds = (key: string): number | undefined => {
        const ms = numberIn(told, key);
        return ms === undefined ? undefined : ms / 1000;
      };
      const amount = (key: string): number | undefined => numberIn(told, key);
      return [
        gauge("blkmig_migration_running", "Whether a migration runs.", isRunning ? 1 : 0),
        {
          name: "blkmig_phase",
          help: "1 for the phase that the migration is in; all 0 when none runs.",
          type: "gauge",
          samples: PHASES.map((phase) => ({ labels: { phase }, value: told["phase"] === phase ? 1 : 0 })),
        },
        {
          name: "blkmig_migrations_total",
          help: "Migrations that are over, by how they ended.",
          type: "counter",
          samples: [...results].map(([result, value]) => ({ labels: { result }, value })),
        },
        counter(
          "blkmig_transferred_bytes_total",
          "Bytes on the wire, headers and what was sent again included.",
          transferredBefore + transferred,
        ),
        counter("blkmig_reconnects_total", "Connections of sessions that broke and were made again.", reconnects),
        gauge("blkmig_total_bytes", "Bytes of disk to move.", amount("total")),
        gauge("blkmig_remaining_bytes", "Bytes of disk still to be sent.", amount("remaining")),
        gauge("blkmig_to_verify_bytes", "Bytes of disk that wait only to be read back.", amount("to-verify")),
        gauge("blkmig_dirty_rate_bytes_per_second", "Bytes of disk that the guest dirties.", amount("dirty-rate")),
        gauge("blkmig_bandwidth_bytes_per_second", "Bytes of disk that are moved in a second.", amount("bandwidth")),
        gauge("blkmig_pass", "The pass over what was written meanwhile.", amount("dirty-sync-count")),
        gauge("blkmig_expected_downtime_seconds", "The pause, were it now.", seconds("expected-downtime")),
        gauge("blkmig_downtime_seconds", "The pause of the last migration.", seconds("downtime")),
        {
          name: "blkmig_disk_remaining_bytes",
          help: "Bytes of each disk still to be sent.",
          type: "gauge",
          samples: disksIn(told).map(({ name, remaining }) => ({ labels: { disk: name }, value: remaining })),
        },
      ];
    },
  };
}

/** What the next status leaves out stays as it was told last. */
function known(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function numberIn(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return typeof value === "number" ? value : undefined;
}

/** The end of a migration says what each disk was; only while it runs does one have anything left. */
function disksIn({ disks, phase }: Fields): readonly { readonly name: string; readonly remaining: number }[] {
  if (phase === undefined || !Array.isArray(disks)) return [];
  return (disks as readonly Fields[]).flatMap(({ name, remaining }) =>
    typeof name === "string" && typeof remaining === "number" ? [{ name, remaining }] : [],
  );
}
