import type { BlockDevice } from "./block-device.ts";
import { checkExtent } from "./check-extent.ts";
import { segmentsLength } from "./segments-length.ts";

/**
 * The first `size` bytes of a device as a disk of their own: for a disk that is kept in something larger. Closing it closes
 * the device. Throws `RangeError` if the device is smaller.
 */
export function withSize(device: BlockDevice, size: number): BlockDevice {
  const { name, readOnly } = device;
  checkExtent(name, device.size, 0, size);
  const check = (offset: number, length: number): void => checkExtent(name, size, offset, length);
  return {
    name,
    size,
    readOnly,
    async read(offset, into) {
      check(offset, into.length);
      return device.read(offset, into);
    },
    async write(offset, data) {
      check(offset, segmentsLength(data));
      return device.write(offset, data);
    },
    async zero(offset, length, options) {
      check(offset, length);
      return device.zero(offset, length, options);
    },
    async *extents(offset, length) {
      check(offset, length);
      yield* device.extents(offset, length);
    },
    flush: () => device.flush(),
    close: () => device.close(),
  };
}
