import { HAND_OVER, UNCHECKED_DATA } from "@blkmig/protocol";

import type { SourceDisk } from "./migration-options.ts";
import type { Hello, Welcome } from "./session-link.ts";
import type { SessionOptions } from "./session-options.ts";
import { Stop } from "./stop.ts";

export interface HelloParts extends Pick<Hello, "migration" | "frameBytes" | "resume" | "incremental"> {
  /** Tells this process from an earlier one that had begun the same migration. */
  readonly run: string;
  readonly disks: readonly SourceDisk[];
  readonly granularity: number;
}

/** What a connection is opened with: what is to be moved, and what the sink must be able to do. */
export function helloOf(session: SessionOptions, parts: HelloParts): Hello {
  return {
    say: "hello",
    versions: [2, 2],
    features: [...(session.handOver ? [HAND_OVER] : []), ...(session.checksums === false ? [UNCHECKED_DATA] : [])],
    migration: parts.migration,
    source: parts.run,
    disks: parts.disks.map(({ name, device: { size, sectorSize } }) => ({
      name,
      size,
      granularity: parts.granularity,
      ...(sectorSize === undefined ? {} : { sectorSize }),
    })),
    frameBytes: parts.frameBytes,
    resume: parts.resume,
    incremental: parts.incremental,
    clone: session.clone === true,
  };
}

/** Throws a `Stop` for a sink that has these disks already, or that cannot do what is asked of it. */
export function assertWelcome(
  welcome: Welcome,
  asked: { readonly handOver: boolean; readonly granularity: number },
): void {
  if (welcome.state === "committed") {
    throw new Stop(
      "refused",
      `the receiver has committed this migration (attempt ${welcome.attempt}): its disks are there`,
    );
  }
  if (asked.handOver && !welcome.features.includes(HAND_OVER)) {
    const why = "it is an older blkmig, or these targets cannot be given away";
    throw new Stop("refused", `the receiver cannot let go of its targets before the commit: ${why}`);
  }
  if (welcome.frameBytes < asked.granularity) {
    const least = `at most ${welcome.frameBytes} bytes in a frame, and the granularity is ${asked.granularity}`;
    throw new Stop("refused", `the receiver takes ${least}`);
  }
}
