import type { BlockDevice } from "@blkmig/device";
import type { Clock } from "@blkmig/source";

/** Milliseconds that a disk takes. */
export interface DiskPace {
  readonly requestMs: number;
  readonly flushMs: number;
}

/** A disk that takes its time: what it reads is as old as the request, what it writes lands at its end. */
export function pacedDevice(device: BlockDevice, clock: Clock, { requestMs, flushMs }: DiskPace): BlockDevice {
  return {
    name: device.name,
    size: device.size,
    readOnly: device.readOnly,
    async read(offset, into) {
      await device.read(offset, into);
      await clock.sleep(requestMs);
    },
    async write(offset, data) {
      await clock.sleep(requestMs);
      await device.write(offset, data);
    },
    async zero(offset, length, options) {
      await clock.sleep(requestMs);
      await device.zero(offset, length, options);
    },
    extents: (offset, length) => device.extents(offset, length),
    async flush() {
      await clock.sleep(flushMs);
      await device.flush();
    },
    close: () => device.close(),
  };
}
