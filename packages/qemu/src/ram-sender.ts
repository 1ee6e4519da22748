import type { Clock } from "@blkmig/device";

import type { MachineMoveOptions } from "./machine-contract.ts";
import { limitDowntime } from "./machine-ready.ts";
import { isUnderWay } from "./machine-state.ts";
import type { MachineWatch } from "./machine-watch.ts";
import { askForRam, type RamReport } from "./ram-report.ts";

/** Between two questions for figures. */
const POLL_MS = 250;
/** A limit is told anew when it is so much more or less than what QEMU was told. */
const NEWS = 1.25;

/** Has QEMU send the machine's memory, and follows it. */
export interface RamSender {
  /** Once. Notes in QEMU that it is ours, and begins; what goes wrong is the state's. Milliseconds: as `allow()`. */
  begin(ms: number): void;
  /** QEMU may stop the guest for so long, as soon as that suffices. Throws `QemuError`. */
  allow(ms: number): Promise<void>;
  /** The same, where it is news; without waiting. */
  suggest(ms: number): void;
  /** Settles when `migrate` has been answered; at once if it was never said. */
  begun(): Promise<void>;
  /** What was heard last. */
  readonly report: RamReport | undefined;
  /** Asks now. Throws `QemuError`. */
  refresh(): Promise<RamReport>;
  /** Asks no more. */
  stop(): void;
}

export interface RamSenderParts extends Pick<MachineMoveOptions, "source" | "uri" | "live"> {
  readonly clock: Clock;
  readonly watch: MachineWatch;
}

export function createRamSender({ source, uri, live, clock, watch }: RamSenderParts): RamSender {
  const stopped = new AbortController();
  let beginning: Promise<void> | undefined;
  let report: RamReport | undefined;
  let allowed = 0;
  let limitAtBegin: number | undefined;

  const allow = async (ms: number): Promise<void> => {
    allowed = ms;
    await limitDowntime(source, ms);
  };

  const refresh = async (): Promise<RamReport> => {
    report = await askForRam(source, limitAtBegin);
    watch.learn(report.status); // where an event was missed
    return report;
  };

  const begin = async (ms: number): Promise<void> => {
    try {
      await live.mark("machine"); // before: whoever finds the guest stopped by QEMU must know for whom
      limitAtBegin = Math.ceil(ms);
      await allow(ms);
      await source.execute("migrate", { uri });
    } catch (cause) {
      watch.enter({ is: "over", how: "could not begin", cause });
      return;
    }
    void follow();
  };

  const follow = async (): Promise<void> => {
    while (isUnderWay(watch.state) && !stopped.signal.aborted) {
      await refresh().catch(() => {}); // a monitor that has gone ends the move; one that is late is asked again
      await clock.sleep(POLL_MS, stopped.signal);
    }
  };

  return {
    begin(ms) {
      watch.enter({ is: "sending", afterPass: 0 });
      beginning = begin(ms);
    },
    allow,
    suggest(ms) {
      if (ms > allowed * NEWS || ms * NEWS < allowed) void allow(ms).catch(() => {}); // whoever pauses the guest says it again
    },
    begun: async () => beginning,
    get report() {
      return report;
    },
    refresh,
    stop: () => stopped.abort(),
  };
}
