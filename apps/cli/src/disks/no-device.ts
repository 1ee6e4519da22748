import type { BlockDevice } from "@blkmig/device";

/** A disk that is not there: all that is asked of it fails, with `why`. */
export function createNoDevice(
  { name, size, readOnly }: Pick<BlockDevice, "name" | "size" | "readOnly">,
  why: Error,
): BlockDevice {
  const refuse = async (): Promise<never> => {
    throw why;
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
