import { DeviceError } from "@blkmig/device/memory";
import { FRAME_BYTES, HAND_OVER, SESSION_VERSION, type SessionMessage, UNCHECKED_DATA } from "@blkmig/protocol";

import { ConnectionStop, Refused } from "./connection-stop.ts";
import { LoadError } from "./load-error.ts";
import { Refusal } from "./refusal.ts";
import type { SessionOffer, SessionTargets, SinkSessionOptions } from "./session-contract.ts";
import { createMigration, type Migration } from "./session-migration.ts";
import type { Peer } from "./session-peer.ts";

export type Hello = Extract<SessionMessage, { readonly say: "hello" }>;

/** Reads the magic and HELLO. Throws `Refused` for one of another version. */
export async function hearHello(peer: Peer): Promise<Hello> {
  const frame = await peer.next();
  if (!frame) throw noHello("wire", "the source closed the connection before it said anything");
  peer.greeted();
  const message = frame.type === "message" ? frame.message : undefined;
  if (message?.say === "hello") return message;
  if (message?.say !== "hello-other") throw noHello("protocol", "the source did not begin with HELLO");
  const [lowest, highest] = message.versions;
  const ours = `this receiver speaks version ${SESSION_VERSION} of the session`;
  throw new Refused("version", `${ours}, the sender ${lowest} to ${highest}`);
}

const noHello = (code: string, why: string): ConnectionStop => new ConnectionStop({ how: "turned-away", code, why });

export function offerOf({ migration, disks, resume, incremental, clone, features }: Hello): SessionOffer {
  return { migration, disks, resume, incremental, clone, handOver: features.includes(HAND_OVER) };
}

/** What one connection agrees on. */
export interface Agreed {
  /** The longest data frame. */
  readonly frameBytes: number;
  readonly features: readonly string[];
}

export function agreedWith(hello: Hello, { canHandOver }: Migration): Agreed {
  const can = [...(canHandOver ? [HAND_OVER] : []), UNCHECKED_DATA];
  const features = can.filter((feature) => hello.features.includes(feature));
  return { frameBytes: Math.min(hello.frameBytes, FRAME_BYTES), features };
}

/**
 * Whether it is the same migration, with the same disks in the same order. Whether it is resumed may differ; so may what a
 * connection can, or a source could not even ask how its migration ended.
 */
export function isSameOffer(a: SessionOffer, b: SessionOffer): boolean {
  return identityOf(a) === identityOf(b);
}

function identityOf({ migration, incremental, clone, disks }: SessionOffer): string {
  const table = disks.map(({ name, size, granularity }) => [name, size, granularity]);
  return JSON.stringify([migration, incremental, clone, table]);
}

/** Opens an offer's targets, and lets go of them if they are not what was offered. Throws `Refusal`. */
export async function openMigration(offer: SessionOffer, open: SinkSessionOptions["open"]): Promise<Migration> {
  try {
    const opened = await open(offer);
    try {
      assertOpened(offer, opened);
    } catch (error) {
      await opened.close("untouched");
      throw error;
    }
    return createMigration(offer, opened);
  } catch (error) {
    throw refusalOf(error);
  }
}

/** Throws unless the devices are what was offered, and can be written. */
function assertOpened({ disks }: SessionOffer, { devices }: SessionTargets): void {
  if (devices.length !== disks.length) throw new TypeError(`${devices.length} targets for ${disks.length} disks`);
  for (const [at, { name, size }] of disks.entries()) {
    const device = devices[at]!;
    if (device.readOnly)
      throw new Refusal("read-only", `disk '${name}': the target is read-only: make it writable, or choose another`);
    if (device.size === size) continue;
    throw new Refusal(
      "beyond-the-end",
      `disk '${name}' has ${size} bytes, and its target ${device.size}: it must be given as large as the disk`,
    );
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof LoadError) return new Refusal(error.code, message, { cause: error.cause });
  return new Refusal(error instanceof DeviceError ? "device" : "refused", message, { cause: error });
}

/** The code that a source is told: that of whatever `open` threw, where it can be said. */
export function codeOf(refusal: Refusal): string {
  const { cause } = refusal;
  const own = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return refusal.code === "refused" && isCode(own) ? own : refusal.code;
}

const isCode = (code: string): boolean => /^[A-Za-z0-9-]{1,64}$/.test(code);
