import type { Guest } from "@blkmig/device";

import { createTurns, type InTurn } from "./live-turns.ts";
import type { Marks } from "./marks.ts";
import { askStatus } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** QEMU lets all writes land that have begun before it answers `stop`, and a `cont` waits behind that. Milliseconds. */
const STOP_MS = 60_000;

export interface QemuGuestOptions {
  readonly qmp: Qmp;
  readonly marks: Marks;
  /** `stop` drains the disks: it comes when no pass is read. `cont` never waits for that. */
  readonly stopInTurn: InTurn;
}

export interface QemuGuest extends Guest {
  /** Whether `pause()`, or an earlier run of the same migration, has stopped a guest that ran, and nobody has resumed it. */
  readonly stopped: boolean;
  /** Before all else: a guest that an earlier run has stopped counts as stopped by us. */
  adopt(): Promise<void>;
  /** Throws `QemuError` `changed` if it may run, or if anybody has resumed it since our `stop`. */
  assertStopped(): Promise<void>;
  /** Listens no longer. */
  close(): void;
}

type Held =
  /** Not by us. */
  | "no"
  /** `stop` is asked for, and QEMU has not said that it stops. */
  | "asked"
  | "yes"
  /** Somebody has resumed what we had stopped. */
  | "taken";

/** The guest of a running QEMU. That we stop it is noted in QEMU before we do, for whoever comes after us. Throws `QemuError`. */
export function createQemuGuest({ qmp, marks, stopInTurn }: QemuGuestOptions): QemuGuest {
  const inTurn = createTurns();
  let held: Held = "no";
  const unwatch = qmp.watch(({ event }) => {
    if (event === "STOP" && held === "asked") held = "yes";
    else if (event === "RESUME" && held === "yes") held = "taken";
  });
  const isHeld = (is: Held): boolean => held === is; // asked anew: events change it while we wait

  /** A guest that sleeps is not running, and wakes by itself. */
  async function mayRun(): Promise<boolean> {
    const { status, running } = await askStatus(qmp);
    return running || status === "suspended";
  }

  async function letGo(): Promise<void> {
    held = "no";
    await marks.remove("stopped");
  }

  async function stop(): Promise<void> {
    await stopInTurn(async () => {
      qmp.ended.throwIfAborted(); // what was never said stops nobody, and such a guest is not lost
      held = "asked";
      return qmp.execute("stop", undefined, { timeoutMs: STOP_MS });
    });
    const goesOn = await mayRun();
    if (isHeld("taken"))
      throw new QemuError("changed", qmp.url, "somebody resumed the guest while it was being stopped");
    if (goesOn)
      throw new QemuError("not-supported", qmp.url, "the guest did not stop: one that sleeps wakes by itself");
    // QEMU did not say that it stops: somebody else was faster, and it is theirs to resume.
    if (isHeld("asked")) await letGo();
  }

  /** A `stop` that failed holds nothing; what that cannot be known of stays marked. */
  async function takeBack(failure: unknown): Promise<void> {
    const isNo = failure instanceof QemuError && failure.code === "refused";
    // After a time-out it may still stop; a `cont` comes after that, for QEMU keeps the order.
    if (!isNo && !isHeld("no") && !isHeld("taken")) await cont();
    await letGo();
  }

  async function cont(): Promise<void> {
    const before = held;
    held = "no"; // the RESUME that comes is ours
    try {
      await qmp.execute("cont", undefined, { timeoutMs: STOP_MS });
    } catch (error) {
      held = before === "no" ? "no" : "yes";
      throw error;
    }
  }

  async function pause(): Promise<void> {
    if (held === "yes") return;
    if (!(await mayRun())) return letGoIfTaken();
    await marks.add({ is: "mark", mark: "stopped" });
    try {
      await stop();
    } catch (error) {
      await takeBack(error).catch(() => {}); // what made it fail is worth more
      throw error;
    }
  }

  /** Whoever resumed it has stopped it again. */
  async function letGoIfTaken(): Promise<void> {
    if (held === "taken") await letGo();
  }

  async function resume(): Promise<void> {
    if (held === "no") return;
    if (held === "yes" && !(await mayRun()) && isHeld("yes")) await cont();
    await letGo();
  }

  return {
    get stopped() {
      return held === "yes";
    },
    adopt: async () =>
      inTurn(async () => {
        if (!(await marks.has("stopped"))) return;
        held = "yes"; // before the question, or a RESUME between would be missed
        // It was killed before its `stop`, or somebody has resumed: were it left, a guest that others stop would be ours.
        if (await mayRun()) await letGo();
      }),
    pause: async () => inTurn(pause),
    resume: async () => inTurn(resume),
    assertStopped: async () =>
      inTurn(async () => {
        const runs = await mayRun();
        if (isHeld("taken"))
          throw new QemuError("changed", qmp.url, "somebody has resumed the guest after we had stopped it");
        if (runs) throw new QemuError("changed", qmp.url, "the guest is not stopped");
      }),
    close: unwatch,
  };
}
