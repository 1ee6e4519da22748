import type { Clock } from "@blkmig/device";

import type { MachineMoveOptions } from "./machine-contract.ts";
import { isUnderWay } from "./machine-state.ts";
import type { MachineWatch } from "./machine-watch.ts";
import { askForRam, type RamReport } from "./ram-report.ts";

/** Between two questions for figures. */
const POLL_MS = 250;

const FIRST_PASS = 1;

/** Has QEMU send the machine's memory, and follows it. */
export interface RamSender {
  /** Once. Notes in QEMU that it is ours, and begins; what goes wrong is the state's. */
  begin(): void;
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

  const refresh = async (): Promise<RamReport> => {
    report = await askForRam(source);
    watch.learn(report.status); // where an event was missed
    return report;
  };

  const begin = async (): Promise<void> => {
    try {
      await live.mark("machine"); // before: whoever finds the guest stopped by QEMU must know for whom
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
    begin() {
      watch.enter({ is: "sending", afterPass: FIRST_PASS }); // what is written during that one nobody knows before the next
      beginning = begin();
    },
    begun: async () => beginning,
    get report() {
      return report;
    },
    refresh,
    stop: () => stopped.abort(),
  };
}
