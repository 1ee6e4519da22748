import type { GuestDisks } from "./guest-disks.ts";
import type { Destination } from "./moving-guest.ts";
import type { Qemu } from "./qemu.ts";
import { type Blkmig, startBlkmig } from "./run-blkmig.ts";

/** A receiver that waits for a guest's disks. */
export interface DiskReceiver {
  readonly blkmig: Blkmig;
  /** For `send`. */
  readonly url: string;
  readonly port: number;
}

export async function receiveDisks(targets: GuestDisks["disks"], flags: readonly string[] = []): Promise<DiskReceiver> {
  const disks = targets.flatMap(({ id, path }) => ["--disk", `${id}=${path}`]);
  const blkmig = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", ...disks, ...flags]);
  const port = await blkmig.port();
  return { blkmig, port, url: `tcp://127.0.0.1:${port}` };
}

/** Throws what it says if it ends: whoever waits for something else would wait for ever. */
export async function endedEarly({ exited }: Blkmig): Promise<never> {
  const { code, stdout, stderr } = await exited;
  throw new Error(`blkmig ended (${code}) too early: ${stdout}${stderr}`);
}

/** The URL of a QEMU's second monitor. */
export function monitorUrl({ monitor }: Qemu): string {
  return `unix://${monitor}`;
}

/**
 * Of `send`, for the whole machine. `toQmp`: default its own monitor. QEMU is let stop the guest at its second look at the memory: under TCG 7.2
 * forgets what is written from its third one on (docs/decisions/qemu.md), and on a busy machine there would be one.
 */
export function machineFlags({ uri, qemu }: Destination, toQmp: string = monitorUrl(qemu)): readonly string[] {
  return ["--migrate-to", uri, "--to-qmp", toQmp, "--downtime-limit", "30s"];
}

/** Of the steps at which something is tried, every other one; all of them with `BLKMIG_STEPS=all`. `first`: whether the first is among them. */
export function someOf<T>(steps: readonly T[], first: boolean): readonly T[] {
  return process.env["BLKMIG_STEPS"] === "all" ? steps : steps.filter((_, index) => index % 2 === (first ? 0 : 1));
}

/** What in a QEMU carries a name of ours, and whether its guest runs. */
export interface QemuState {
  readonly runs: boolean;
  readonly exports: readonly string[];
  readonly bitmaps: readonly string[];
}

interface BlockNode {
  readonly "dirty-bitmaps"?: readonly { readonly name?: string }[];
}

/** Asked at the test's own monitor. */
export async function lookAtQemu({ qmp }: Qemu): Promise<QemuState> {
  const { running } = await qmp.execute<{ readonly running: boolean }>("query-status");
  const exports = await qmp.execute<readonly { readonly id: string }[]>("query-block-exports");
  const nodes = await qmp.execute<readonly BlockNode[]>("query-named-block-nodes", { flat: true });
  const bitmaps = nodes.flatMap((node) => node["dirty-bitmaps"] ?? []).map(({ name = "" }) => name);
  return { runs: running, exports: exports.map(({ id }) => id), bitmaps };
}
