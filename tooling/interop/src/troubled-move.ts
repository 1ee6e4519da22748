import { makeTargets } from "./guest-disks.ts";
import { recordsTold, untilRecord } from "./guest-records.ts";
import type { LiveGuest } from "./live-guest.ts";
import type { Destination, MovingGuest } from "./moving-guest.ts";
import { type DiskReceiver, endedEarly, lookAtQemu, machineFlags, type QemuState, receiveDisks } from "./qemu-move.ts";
import { type Held, type Place, type QmpRelay, startQmpRelay } from "./qmp-relay.ts";
import { type Blkmig, startBlkmig } from "./run-blkmig.ts";

/** What can be troubled while it waits at a place. */
export interface Troubled {
  readonly sender: Blkmig;
  readonly receiver: DiskReceiver;
  readonly relay: QmpRelay;
  readonly held: Held;
}

export interface TroubledMove {
  /** Where it was held: a command at the source's monitor. */
  readonly at: Place;
  /** Where the whole machine goes. Default: only its disks are moved. */
  readonly destination?: Destination;
  /** Of `send`. */
  readonly flags?: readonly string[];
  /** What is done there; who is held is let go of by it, or not. */
  readonly trouble: (troubled: Troubled) => Promise<void> | void;
}

export interface TroubledEnd extends QemuState {
  readonly code: number | null;
  /** How often the guest was stopped meanwhile. */
  readonly stops: number;
}

/**
 * Where the guest writes before it goes on: when it is first asked what was written since its writes are recorded, and before it is
 * stopped. Where nothing was written there is no pass, and steps of a move would be left out, or come when the guest stands still.
 */
const ANEW: readonly Place[] = [{ command: "query-named-block-nodes", after: "transaction" }, { command: "stop" }];

/**
 * Begins to move a guest's disks, does harm at one place, and waits until blkmig and its watchdog have ended and, if the guest runs then,
 * until it has written more. Its disks' new targets are named after the number.
 */
export async function troubleMove(
  path: (name: string) => string,
  number: number,
  { qemu, guest }: MovingGuest,
  { at, destination, flags = [], trouble }: TroubledMove,
): Promise<TroubledEnd> {
  const receiver = await receiveDisks(destination?.disks ?? makeTargets(path, `target-${number}`));
  const relay = await startQmpRelay(qemu.monitor, path(`relay-${number}`));
  const begin = qemu.qmp.events.length;
  const held = relay.hold(at);
  for (const place of ANEW) {
    const waiting = relay.hold(place);
    const go = (): void => waiting.release(); // a guest that is gone writes no more
    void waiting.came.then(async () => writesMore(guest)).then(go, go);
  }
  const whole = destination ? machineFlags(destination) : [];
  const sender = startBlkmig(["send", receiver.url, "--qmp", relay.url, ...whole, "--json", "--no-verify", ...flags]);
  await Promise.race([held.came, endedEarly(sender)]);
  await trouble({ sender, receiver, relay, held });
  // The watchdog shares its standard error: when nobody has that open any more, both have ended.
  const { code } = await sender.exited;
  receiver.blkmig.process.kill("SIGKILL");
  const state = await lookAtQemu(qemu);
  if (state.runs) await writesMore(guest);
  return { ...state, code, stops: qemu.qmp.events.slice(begin).filter(({ event }) => event === "STOP").length };
}

async function writesMore({ serial }: LiveGuest): Promise<void> {
  await untilRecord(serial, (recordsTold(serial).at(-1) ?? 0) + 3);
}
