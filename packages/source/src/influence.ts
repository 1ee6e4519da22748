import type { Clock } from "./clock.ts";
import type { Flights } from "./flights.ts";
import { createMeasures } from "./measures.ts";
import type { MigrationOptions } from "./migration-options.ts";
import { createMirroring } from "./mirroring.ts";
import type { Report } from "./report.ts";
import type { SessionOutlet } from "./session-outlet.ts";
import type { MigrationSource } from "./source-contract.ts";
import { messageOf } from "./stop.ts";

/** What a migration does to a guest that outruns it. It ends on every exit. */
export interface Influence {
  over(source: MigrationSource, trackedAs: readonly number[]): void;
  afterPass(source: MigrationSource): void;
  /** The guest is left alone. */
  end(): void;
}

export interface InfluenceParts {
  readonly options: Pick<MigrationOptions, "guest" | "throttle" | "mirror">;
  readonly flights: Flights;
  readonly clock: Clock;
  readonly report: Report;
  /** Bytes per second: what was set for the wire, whatever it could carry. */
  readonly maxBandwidth: () => number | undefined;
  /** A session's; a classic stream cannot mirror. */
  readonly outlet: () => SessionOutlet | undefined;
}

export function createInfluence(parts: InfluenceParts): Influence {
  const { options, flights, clock, report, outlet, maxBandwidth } = parts;
  const { guest } = options;
  const mayThrottle = options.throttle === true && guest?.throttle !== undefined;
  const mayMirror = (): boolean => options.mirror === true && guest?.mirror !== undefined && outlet() !== undefined;
  let measures = createMeasures({ throttle: mayThrottle, mirror: false });
  let mirroring: { stop(): void } | undefined;
  let mirror: (() => void) | undefined;

  const endMirroring = (): void => {
    guest?.mirror?.(undefined);
    mirroring?.stop();
    mirroring = undefined;
    report.influence({ mirroring: false });
  };

  const end = (): void => {
    guest?.throttle?.(undefined);
    if (mirroring) endMirroring();
    report.influence({ throttle: undefined });
    measures.reset();
  };

  return {
    over({ works }, trackedAs) {
      measures = createMeasures({ throttle: mayThrottle, mirror: mayMirror() });
      mirror = () => {
        const onFailure = (reason: unknown): void => {
          endMirroring();
          report.warn(`mirroring is given up: ${messageOf(reason)}`);
        };
        const begun = createMirroring({ works, trackedAs, outlet: outlet()!, flights, clock, onFailure });
        mirroring = begun;
        guest?.mirror?.(begun.mirror);
        report.influence({ mirroring: true });
        report.converge({ step: "mirror" });
      };
    },
    afterPass({ bulkDone, figures }) {
      if (!bulkDone || !guest) return;
      const bandwidth = figures.bandwidth && Math.min(figures.bandwidth, maxBandwidth() ?? Infinity);
      const measure = measures.afterPass(figures.remaining, bandwidth);
      switch (measure.do) {
        case "throttle": {
          const { bytesPerSecond } = measure;
          guest.throttle?.(bytesPerSecond);
          report.influence({ throttle: bytesPerSecond });
          return report.converge({ step: "throttle", bytesPerSecond });
        }
        case "mirror":
          return mirror?.();
        case "despair":
          return report.warn(
            "passes do not pay: the guest writes as fast as its writes are sent; allow to throttle it",
          );
        case "go-on":
          return;
      }
    },
    end,
  };
}
