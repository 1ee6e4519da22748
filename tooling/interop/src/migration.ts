import type { Qmp } from "./qmp.ts";

/** What `query-migrate` says, as far as tests ask. */
interface Migration {
  /** "none" before the first one, then "setup", "active", …, and "completed", "failed" or "cancelled". */
  readonly status: string;
  readonly "error-desc"?: string;
  readonly ram?: Amount;
  /** Of the bulk phase only. Absent before it and after the end. */
  readonly disk?: Amount;
  readonly "socket-address"?: readonly { readonly type: string; readonly host?: string; readonly port?: string }[];
}

interface Amount {
  readonly transferred: number;
  readonly remaining: number;
  readonly total: number;
}

/** A migration out of a QEMU that has been told to begin. */
export interface StartedMigration {
  /** Waits until QEMU says completed, failed or cancelled; gives what it says then. Throws if QEMU goes away before. */
  ended(): Promise<Migration>;
}

const ENDS: ReadonlySet<unknown> = new Set(["completed", "failed", "cancelled"]);

export async function migrationStatus(qmp: Qmp): Promise<Migration> {
  return { status: "none", ...(await qmp.execute<Partial<Migration>>("query-migrate")) };
}

/** Switches capabilities, by QEMU's names: `zero-blocks`, `return-path`, … Those that are not named stay as they are. */
export async function setCapabilities(qmp: Qmp, states: Readonly<Record<string, boolean>>): Promise<void> {
  const capabilities = Object.entries(states).map(([capability, state]) => ({ capability, state }));
  await qmp.execute("migrate-set-capabilities", { capabilities });
}

/** Sets parameters, by QEMU's names: `downtime-limit` in milliseconds, `max-bandwidth` in bytes a second, … */
export async function setParameters(qmp: Qmp, parameters: Readonly<Record<string, unknown>>): Promise<void> {
  await qmp.execute("migrate-set-parameters", parameters);
}

/**
 * Begins a migration with its disks (`migrate -b`). With `return-path` it ends only when somebody answers: into `exec:cat > FILE`
 * leave that off. The capability `events` is switched on, to hear of its end.
 */
export async function startMigration(qmp: Qmp, uri: string): Promise<StartedMigration> {
  const before = qmp.events.length;
  await setCapabilities(qmp, { events: true });
  await qmp.execute("migrate", { uri, blk: true });
  const ended = async (): Promise<Migration> => {
    await qmp.until((event) => {
      const isEnd = event.event === "MIGRATION" && ENDS.has(event.data?.["status"]);
      return isEnd && qmp.events.indexOf(event) >= before;
    });
    return migrationStatus(qmp);
  };
  return { ended };
}

/** Where a QEMU that was started with `-incoming tcp:127.0.0.1:0` listens, as another's `migrate` takes it. */
export async function listeningAt(qmp: Qmp): Promise<string> {
  const [address] = (await migrationStatus(qmp))["socket-address"] ?? [];
  if (address?.type !== "inet") throw new Error(`QEMU does not listen at a port: ${JSON.stringify(address)}`);
  return `tcp:${address.host}:${address.port}`;
}
