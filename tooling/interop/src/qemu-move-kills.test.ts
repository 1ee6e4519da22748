import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { gapsIn } from "./guest-console.ts";
import { differences, makeTargets } from "./guest-disks.ts";
import { recordsTold } from "./guest-records.ts";
import { troubles } from "./live-guest.ts";
import { type MovingGuest, startMovingGuest } from "./moving-guest.ts";
import { movingGuest } from "./needs.ts";
import { endedEarly, lookAtQemu, monitorUrl, receiveDisks, someOf } from "./qemu-move.ts";
import { type Place, startQmpRelay } from "./qmp-relay.ts";
import { startRelay } from "./relay.ts";
import { runBlkmig, startBlkmig } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { type Troubled, troubleMove } from "./troubled-move.ts";

const answer = (command: string, place: Omit<Place, "command" | "what"> = {}): Place => ({
  ...place,
  command,
  what: "answer",
});

/** Each step of a move, by what is said at the monitor. */
const OPENING: readonly Place[] = [
  answer("block-dirty-bitmap-add"),
  { command: "nbd-server-start" },
  answer("nbd-server-start"),
  answer("block-export-add"),
];
const RUNNING: readonly Place[] = [
  { command: "query-block" },
  ...OPENING,
  answer("transaction"),
  answer("transaction", { nth: 2 }),
  answer("block-export-add", { nth: 3 }),
  { command: "block-export-del" },
  { command: "block-dirty-bitmap-remove" },
  { command: "stop" },
];
const STOPPED: readonly Place[] = [
  answer("stop"),
  answer("transaction", { after: "stop" }),
  answer("block-export-add", { after: "stop" }),
  { command: "block-export-del", after: "stop" },
  { command: "query-block", after: "stop" },
  // What it would say is that commit is asked for.
  { command: "block-dirty-bitmap-add", after: "stop" },
];
const COPIED: readonly Place[] = [{ command: "cont" }, answer("cont"), answer("nbd-server-stop", { after: "cont" })];

/** Exit code 6 is for a guest that may stand still: from `stop` on, whose answer has not come. */
const codeOfCut = (at: Place): number => {
  if (OPENING.includes(at)) return 3;
  return at.command === "stop" || STOPPED.includes(at) ? 6 : 1;
};

const AS_IF_NOTHING = { runs: true, exports: [], bitmaps: [] };
const IMPATIENT = ["--reconnect-for", "1s"];
/** A pause that takes long on a busy machine would be given up, and what is held behind its `stop` would be the next pass's. */
const limitAt = (at: Place): readonly string[] => (RUNNING.includes(at) ? [] : ["--downtime-limit", "30s"]);

describe.skipIf(movingGuest.missing)(`troubles while a running QEMU's disks move (${movingGuest.needs})`, () => {
  it("blkmig is killed at any step: the guest goes on, nothing is left, and the next one moves it", async () => {
    const path = temporaryFolder();
    const moving = await startMovingGuest({ path, release: "7.2", format: "qcow2", rests: true });
    for (const [number, at] of someOf([...RUNNING, ...STOPPED, ...COPIED], true).entries()) {
      const flags = ["--after", COPIED.includes(at) ? "cont" : "hold", ...limitAt(at)];
      const end = await troubleMove(path, number, moving, {
        at,
        flags,
        trouble: ({ sender }) => void sender.process.kill("SIGKILL"),
      });
      const stops = RUNNING.includes(at) ? 0 : 1;
      expect({ at, ...end }, JSON.stringify(at)).toEqual({ at, ...AS_IF_NOTHING, code: null, stops });
    }

    await assertNextWorks(path, moving);
  });

  it("blkmig is interrupted at any step before commit is asked for: it ends, and the guest goes on", async () => {
    const path = temporaryFolder();
    const moving = await startMovingGuest({ path, release: "10.0", format: "qcow2", iothreads: true, rests: true });
    for (const [number, at] of someOf(
      [answer("block-export-add"), ...RUNNING.slice(-4), ...STOPPED],
      false,
    ).entries()) {
      const interrupt = ({ sender, held }: Troubled): void => {
        sender.process.kill("SIGINT");
        held.release();
      };
      const { stops: _, ...end } = await troubleMove(path, number, moving, {
        at,
        flags: limitAt(at),
        trouble: interrupt,
      });
      expect({ at, ...end }).toEqual({ at, ...AS_IF_NOTHING, code: 130 });
    }
    await assertNextWorks(path, moving);
  });

  it("QEMU's monitor is cut, or the receiver killed, at any step: the guest goes on", async () => {
    const path = temporaryFolder();
    const moving = await startMovingGuest({ path, release: "10.0", format: "raw", rests: true });
    const steps = [...OPENING, answer("transaction"), ...RUNNING.slice(-4), ...STOPPED];
    const cut = ({ relay }: Troubled): void => relay.cut();
    const kill = ({ receiver, held }: Troubled): void => {
      receiver.blkmig.process.kill("SIGKILL");
      held.release();
    };
    const troubled = [
      ...someOf(steps, true).map((at) => ({ at, trouble: cut, flags: limitAt(at), code: codeOfCut(at) })),
      // When it is to confirm, the receiver has sealed: whether it is known to be gone when commit is asked for is luck.
      ...someOf(steps.slice(OPENING.length, -2), false).map((at) => ({
        at,
        trouble: kill,
        flags: [...IMPATIENT, ...limitAt(at)],
        code: 1,
      })),
    ];
    for (const [number, { code, ...move }] of troubled.entries()) {
      const { stops: _, ...end } = await troubleMove(path, number, moving, move);
      expect({ at: move.at, ...end }).toEqual({ at: move.at, ...AS_IF_NOTHING, code });
    }
    await assertNextWorks(path, moving);
  });

  it.each(["blkmig", "the receiver"])(
    "%s is killed when commit is asked for: the guest waits for the outcome",
    async (who) => {
      const path = temporaryFolder();
      const moving = await startMovingGuest({ path, release: "7.2", format: "raw", rests: true });
      const targets = makeTargets(path, "target");
      const receiver = await receiveDisks(targets);
      const wire = await startRelay({ host: "127.0.0.1", port: receiver.port });
      const relay = await startQmpRelay(moving.qemu.monitor, path("relay"));
      const asks = relay.hold(answer("block-dirty-bitmap-add", { after: "stop" }));
      const send = ["send", `tcp://127.0.0.1:${wire.port}`, "--qmp", relay.url, "--json", ...IMPATIENT];
      const sender = startBlkmig(send);
      await Promise.race([asks.came, endedEarly(sender)]);
      wire.mute();
      asks.release();
      await untilAsked(moving.disks[0].path);
      if (who === "blkmig") {
        sender.process.kill("SIGKILL");
        expect(await sender.exited).toMatchObject({ signal: "SIGKILL" });
      } else {
        receiver.blkmig.process.kill("SIGKILL");
        wire.cut();
        expect(await sender.exited).toMatchObject({ code: 4 });
      }
      expect(await lookAtQemu(moving.qemu)).toMatchObject({
        runs: false,
        exports: [],
        bitmaps: [expect.stringContaining("asked"), expect.stringContaining("stopped")],
      });
      expect(await runBlkmig(send)).toMatchObject({ code: 3 });
      expect(await lookAtQemu(moving.qemu)).toMatchObject({ runs: false });

      const again = who === "blkmig" ? receiver : await receiveDisks(targets, ["--resume"]);
      wire.cut();
      const resumed = await runBlkmig(["send", again.url, "--qmp", relay.url, "--json", "--resume"]);
      expect(resumed).toMatchObject({ code: 0 });
      expect(await lookAtQemu(moving.qemu)).toMatchObject({ runs: false, exports: [] });
      await moving.qemu.stop();
      expect(differences(moving.disks, targets)).toEqual([]);
    },
  );
});

/** It is recorded beside the disk before it is said. */
async function untilAsked(disk: string): Promise<void> {
  while (!readFileSync(`${disk}.blkmig`, "utf8").includes("asked")) await setTimeout(20);
}

async function assertNextWorks(path: (name: string) => string, moving: MovingGuest): Promise<void> {
  const targets = makeTargets(path, "last");
  const { url } = await receiveDisks(targets);
  expect(await runBlkmig(["send", url, "--qmp", monitorUrl(moving.qemu), "--json"])).toMatchObject({ code: 0 });
  expect([...gapsIn(recordsTold(moving.guest.serial)), ...troubles(moving.guest.serial)]).toEqual([]);
  await moving.qemu.stop();
  expect(differences(moving.disks, targets)).toEqual([]);
}
