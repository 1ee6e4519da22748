import type { BlockDevice } from "@blkmig/device";

import type { Family } from "./exposition.ts";

/** Counts and times what is asked of disks. */
export interface RequestMetrics {
  /** The same device, with what it is asked counted. */
  readonly meter: (device: BlockDevice) => BlockDevice;
  families(): readonly Family[];
}

const OPERATIONS = ["read", "write", "zero", "flush"] as const;
type Operation = (typeof OPERATIONS)[number];

/** Seconds: from what the page cache answers to what a switchover holds. */
const BOUNDS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30] as const;

interface Tally {
  readonly operation: Operation;
  requests: number;
  failed: number;
  bytes: number;
  seconds: number;
  /** For each bound how many took at most so long, and longer than the bound before. */
  readonly within: number[];
}

export function createRequestMetrics(): RequestMetrics {
  const tallies = OPERATIONS.map((operation): Tally => ({
    operation,
    requests: 0,
    failed: 0,
    bytes: 0,
    seconds: 0,
    within: BOUNDS.map(() => 0),
  }));
  const [read, write, zero, flush] = tallies as [Tally, Tally, Tally, Tally];

  return {
    meter: (device) => ({
      name: device.name,
      size: device.size,
      ...(device.sectorSize === undefined ? {} : { sectorSize: device.sectorSize }),
      readOnly: device.readOnly,
      read: (offset, into) => timed(read, into.length, device.read(offset, into)),
      write: (offset, data) =>
        timed(
          write,
          data.reduce((sum, { length }) => sum + length, 0),
          device.write(offset, data),
        ),
      zero: (offset, length, options) => timed(zero, length, device.zero(offset, length, options)),
      extents: (offset, length) => device.extents(offset, length),
      flush: () => timed(flush, 0, device.flush()),
      close: () => device.close(),
    }),
    families: () => [
      count("blkmig_nbd_requests_total", "Requests of NBD clients to the disks.", tallies, "requests"),
      count("blkmig_nbd_failed_requests_total", "Of these, requests that failed.", tallies, "failed"),
      count("blkmig_nbd_bytes_total", "Bytes that NBD clients have read, written and zeroed.", tallies, "bytes"),
      {
        name: "blkmig_nbd_request_duration_seconds",
        help: "How long requests of NBD clients took at the disks, what they waited for a switchover included.",
        type: "histogram",
        samples: tallies.flatMap(durations),
      },
    ],
  };
}

async function timed(tally: Tally, bytes: number, request: Promise<void>): Promise<void> {
  const begun = performance.now();
  try {
    await request;
    tally.bytes += bytes;
  } catch (error) {
    tally.failed++;
    throw error;
  } finally {
    const seconds = (performance.now() - begun) / 1000;
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    if (at >= 0) tally.within[at]!++;
    tally.requests++;
    tally.seconds += seconds;
  }
}

function count(name: string, help: string, tallies: readonly Tally[], of: "requests" | "failed" | "bytes"): Family {
  const samples = tallies.map((tally) => ({ labels: { op: tally.operation }, value: tally[of] }));
  return { name, help, type: "counter", samples };
}

function durations({ operation: op, within, requests, seconds }: Tally): Family["samples"] {
  let sum = 0;
  const buckets = BOUNDS.map((bound, at) => {
    sum += within[at]!;
    return { suffix: "_bucket", labels: { op, le: String(bound) }, value: sum };
  });
  return [
    ...buckets,
    { suffix: "_bucket", labels: { op, le: "+Inf" }, value: requests },
    { suffix: "_sum", labels: { op }, value: seconds },
    { suffix: "_count", labels: { op }, value: requests },
  ];
}
