import type { Mark, QemuLiveDisks } from "./live-contract.ts";
import type { DisksView } from "./machine-contract.ts";

/** Disks that have been swept, and of which nothing is left. */
export const CONVERGED: DisksView = { bulkDone: true, pending: 0, bandwidth: 1e9, downtimeLimit: 300 };

/** Live disks of which only the marks and the release matter. */
export interface ReleasedDisks extends QemuLiveDisks {
  readonly marks: ReadonlySet<Mark>;
  readonly releases: number;
}

export function createReleasedDisks(onRelease: () => void = () => {}): ReleasedDisks {
  const marks = new Set<Mark>();
  let releases = 0;
  const none = async (): Promise<void> => {};
  return {
    disks: [],
    tracker: { start: none, sync: async () => [], stop: none },
    guest: { pause: none, resume: none },
    stopped: false,
    confirm: none,
    mark: async (mark) => void marks.add(mark),
    unmark: async (mark) => void marks.delete(mark),
    async release() {
      releases++;
      onRelease();
    },
    close: none,
    marks,
    get releases() {
      return releases;
    },
  };
}
