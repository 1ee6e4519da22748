import { parseBandwidth } from "../arguments/parse-bytes.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { CommandError } from "../command-error.ts";

/** What limits may be said, of one migration. */
export interface LimitWords {
  readonly "max-bandwidth"?: string;
  readonly "downtime-limit"?: string;
}

export interface Limits {
  /** Bytes per second; null: none. */
  readonly maxBandwidth?: number | null;
  /** Milliseconds. */
  readonly downtimeLimit?: number;
}

export function parseLimits({ "max-bandwidth": bandwidth, "downtime-limit": downtime }: LimitWords): Limits {
  if (bandwidth === undefined && downtime === undefined) {
    throw new CommandError("usage", "say --max-bandwidth, --downtime-limit, or both");
  }
  return {
    ...(bandwidth === undefined ? {} : { maxBandwidth: bandwidthOf(bandwidth) }),
    ...(downtime === undefined ? {} : { downtimeLimit: parseTime(downtime, "--downtime-limit") }),
  };
}

function bandwidthOf(text: string): number | null {
  return text === "none" ? null : parseBandwidth(text, "--max-bandwidth");
}
