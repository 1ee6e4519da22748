import { type BlockDevice, DeviceError } from "@blkmig/device";

/** A disk that is not there: all that is asked of it fails. */
export function createNoDevice({ name, size, readOnly }: BlockDevice): BlockDevice {
  const refuse = async (): Promise<never> => {
    throw new DeviceError("closed", name, "it is not served here any more");
  };
  return {
    name,
    size,
    readOnly,
    read: refuse,
    write: refuse,
    zero: refuse,
    // eslint-disable-next-line require-yield
    async *extents() {
      await refuse();
    },
    flush: refuse,
    async close() {},
  };
}
