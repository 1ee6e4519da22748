/** All that the choice to switch over depends on. Bytes, bytes per second and milliseconds. */
export interface ConvergenceView {
  /** Whether every disk has been swept once. Nothing may complete before. */
  readonly bulkDone: boolean;
  /** Still to be sent or in flight. */
  readonly pending: number;
  /** Still to be sent, not counting what is in flight. */
  readonly dirty: number;
  /** Settled disk bytes per second, zeroes not counted; undefined while nothing was measured. */
  readonly bandwidth: number | undefined;
  /** Finished reads per second of reading, since setup; undefined while nothing was read. */
  readonly readBandwidth: number | undefined;
  readonly downtimeLimit: number;
}

/** Whether it is time to pause the guest and send the rest. Pure. */
export type ConvergenceRule = (view: ConvergenceView) => boolean;

/** pending ≤ bandwidth × downtime limit. The default. */
export const convergesByPending: ConvergenceRule = ({ bulkDone, pending, bandwidth, downtimeLimit }) =>
  bulkDone && pending <= ((bandwidth ?? 0) * downtimeLimit) / 1000;

/** The oldest generation's rule: remaining dirty ÷ measured read bandwidth ≤ downtime limit. */
export const convergesByReads: ConvergenceRule = ({ bulkDone, dirty, readBandwidth, downtimeLimit }) => {
  if (!bulkDone) return false;
  if (dirty === 0) return true;
  return readBandwidth !== undefined && (dirty / readBandwidth) * 1000 <= downtimeLimit;
};
