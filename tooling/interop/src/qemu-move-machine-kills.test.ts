import { describe, expect, it } from "vitest";

import { bothRan } from "./both-ran.ts";
import { consoleOf, gapsIn } from "./guest-console.ts";
import { lossesOf } from "./guest-loss.ts";
import { recordsTold } from "./guest-records.ts";
import { troubles } from "./live-guest.ts";
import { setCapabilities } from "./migration.ts";
import { type MovingGuest, startDestination, startMovingGuest } from "./moving-guest.ts";
import { movingGuest } from "./needs.ts";
import { machineFlags, monitorUrl, receiveDisks, someOf } from "./qemu-move.ts";
import type { QemuRelease } from "./qemu-release.ts";
import type { Place } from "./qmp-relay.ts";
import { startRelay } from "./relay.ts";
import { runBlkmig } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { type Troubled, troubleMove } from "./troubled-move.ts";

/** Each step of a whole machine's move, by what is said at the source's monitor. */
const PREPARED: Place = { command: "migrate-set-capabilities" };
const SENDING: Place = { command: "migrate", what: "answer" };
const STOPPED: readonly Place[] = [
  { command: "query-block", after: "migrate" },
  { command: "nbd-server-stop" },
  { command: "migrate-continue" },
  { command: "migrate-continue", what: "answer" },
];
/** It has come, and commit would be asked for next. */
const COME: Place = { command: "block-dirty-bitmap-add", after: "migrate-continue" };

const AS_IF_NOTHING = { runs: true, exports: [], bitmaps: [] };

interface Trouble {
  readonly at: Place;
  readonly trouble: (troubled: Troubled, destination: { kill(): unknown; pause(): unknown }) => void;
  /** Of blkmig; null of one that was killed. */
  readonly code: number | null;
}

const kill = ({ sender }: Troubled): void => void sender.process.kill("SIGKILL");
const cut = ({ relay }: Troubled): void => relay.cut();
const interrupt = ({ sender, held }: Troubled): void => {
  sender.process.kill("SIGINT");
  held.release();
};
const killDestination: Trouble["trouble"] = ({ held }, destination) => {
  destination.kill();
  held.release();
};
const stopDestination: Trouble["trouble"] = (troubled, destination) => {
  destination.pause();
  interrupt(troubled);
};
const killReceiver = ({ held, receiver }: Troubled): void => {
  receiver.blkmig.process.kill("SIGKILL");
  held.release();
};

describe.skipIf(movingGuest.missing)(
  `troubles while a running QEMU moves with its disks (${movingGuest.needs})`,
  () => {
    const steps = [PREPARED, SENDING, ...STOPPED, COME];

    it.each<{ from: QemuRelease; what: string; list: readonly Trouble[] }>([
      {
        from: "7.2",
        what: "blkmig is killed at any step, or loses the monitor when the guest stands",
        list: [
          ...steps.map((at) => ({ at, trouble: kill, code: null })),
          ...[...STOPPED, COME].map((at) => ({ at, trouble: cut, code: 6 })),
        ],
      },
      {
        from: "10.0",
        what: "blkmig is interrupted, the receiver dies, the machine there dies or stands still",
        list: [
          ...steps.map((at) => ({ at, trouble: interrupt, code: 130 })),
          { at: SENDING, trouble: killReceiver, code: 1 },
          ...[SENDING, ...STOPPED].map((at) => ({ at, trouble: killDestination, code: 1 })),
          { at: SENDING, trouble: stopDestination, code: 130 },
        ],
      },
    ])("from $from: $what; the guest goes on", async ({ from, list }) => {
      const path = temporaryFolder();
      const source = await startMovingGuest({ path, release: from, format: "raw", rests: true });
      for (const [number, { at, trouble, code }] of someOf(list, from === "7.2").entries()) {
        const destination = await startDestination({ path, release: "10.0", name: `there-${number}` }, source);
        const { qemu } = destination;
        const there = { kill: async () => qemu.kill(), pause: () => process.kill(qemu.pid, "SIGSTOP") };
        const { stops: _, ...end } = await troubleMove(path, number, source, {
          at,
          destination,
          flags: ["--reconnect-for", "1s"],
          trouble: (troubled) => trouble(troubled, there),
        });
        expect({ at, trouble, ...end }).toEqual({ at, trouble, ...AS_IF_NOTHING, code });
        expect(bothRan(source.qemu, qemu)).toBeUndefined();
        await qemu.kill();
      }
      await assertNextWorks(path, source);
    });

    it.each(["7.2", "10.0"] as const)(
      "from %s: all has come, and that cannot be told back: the guest goes on here alone, and the next one moves it",
      async (release) => {
        const path = temporaryFolder();
        const source = await startMovingGuest({ path, release, format: "raw" });
        const destination = await startDestination({ path, release: "10.0", name: "there" }, source);
        const { qmp } = destination.qemu;
        await setCapabilities(qmp, { events: true });
        const wire = await startRelay({ host: "127.0.0.1", port: Number(destination.uri.split(":").at(-1)) });
        const { stops: _, ...end } = await troubleMove(path, 0, source, {
          at: { command: "migrate-continue" },
          destination: { ...destination, uri: `tcp:127.0.0.1:${wire.port}` },
          trouble: async ({ held }) => {
            wire.mute();
            held.release();
            await qmp.until(({ data }) => data?.["status"] === "completed");
            wire.cut();
          },
        });
        expect(end).toEqual({ ...AS_IF_NOTHING, code: 1 });
        expect(bothRan(source.qemu, destination.qemu)).toBeUndefined();
        await assertNextWorks(path, source);
      },
    );
  },
);

/** What was told since the boot is there, at the new place, after all that. */
async function assertNextWorks(path: (name: string) => string, source: MovingGuest): Promise<void> {
  const destination = await startDestination({ path, release: "10.0" }, source);
  const { url } = await receiveDisks(destination.disks);
  const send = ["send", url, "--qmp", monitorUrl(source.qemu), ...machineFlags(destination), "--json"];
  expect(await runBlkmig(send)).toMatchObject({ code: 0 });
  await destination.guest.goesOn();
  await destination.guest.stop();
  expect(bothRan(source.qemu, destination.qemu)).toBeUndefined();
  const told = consoleOf([source.qemu, destination.qemu]);
  expect([...gapsIn(recordsTold(told)), ...troubles(told)]).toEqual([]);
  const [records, files] = destination.disks;
  expect(await lossesOf(told, { records: records.path, files: files.path, origin: source.origin })).toEqual([]);
}
