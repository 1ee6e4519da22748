import type { BlockDevice } from "@blkmig/device";
import { createSinkSession, type HeldRun, LoadError, type SinkSession } from "@blkmig/sink";

import type { Scenario } from "./scenario.ts";
import { createStandingClock } from "./standing-clock.ts";
import type { Found } from "./transcript.ts";

/** What is on record beside the targets, whichever run of the receiving program wrote it. */
export interface SinkRecord {
  readonly decided: string[];
  held: readonly (readonly HeldRun[])[] | undefined;
  /** Called after each change, and after each write of a target. */
  onChange: (what: "write" | "held" | "sealed" | "committed" | "aborted") => void;
}

export const createSinkRecord = (): SinkRecord => ({ decided: [], held: undefined, onChange: () => {} });

/** One run of today's receiving program. */
export function startSink(
  scenario: Scenario,
  targets: readonly BlockDevice[],
  record: SinkRecord,
  found: Found | null,
): SinkSession {
  const devices = targets.map((target) => told(target, () => record.onChange("write")));
  return createSinkSession({
    clock: createStandingClock(),
    ready: async () => (scenario.serve === undefined ? {} : { serve: scenario.serve }),
    async open() {
      if (scenario.refused !== undefined) {
        throw new LoadError("unknown-device", scenario.refused, { touched: false, recognised: true });
      }
      return {
        devices,
        journal: {
          begin: async () => {},
          async held(disks) {
            record.held = disks.map((runs) => [...runs]);
            record.onChange("held");
          },
          async decide(state, attempt) {
            record.decided.push(`${state} ${attempt}`);
            record.onChange(state);
          },
          done: async () => {},
        },
        ...(found ? { found } : {}),
        ...(scenario.session.handOver ? { handOver: async () => {} } : {}),
        close: async () => {},
      };
    },
  });
}

function told(device: BlockDevice, onWrite: () => void): BlockDevice {
  return {
    ...device,
    extents: (offset, length) => device.extents(offset, length),
    async write(offset, data) {
      await device.write(offset, data);
      onWrite();
    },
  };
}
