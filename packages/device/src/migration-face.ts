import type { BlockDevice } from "./block-device.ts";
import { checkExtent } from "./check-extent.ts";
import { DeviceError } from "./device-error.ts";
import { createRequestGate } from "./request-gate.ts";
import { segmentsLength } from "./segments-length.ts";

/** The face of `device` that a migration reads: no pause holds it, and it refuses to write. */
export function createMigrationFace(device: BlockDevice): BlockDevice {
  const { name, size, readOnly } = device;
  const gate = createRequestGate(name);

  function refuse(offset: number, length: number): never {
    gate.assertOpen();
    checkExtent(name, size, offset, length);
    throw new DeviceError("read-only", name, "a migration does not write the disk that it reads", { offset });
  }

  return {
    name,
    size,
    ...(device.sectorSize === undefined ? {} : { sectorSize: device.sectorSize }),
    // What the disk is, not what this face permits: a migration leaves read-only media out.
    readOnly,
    async read(offset, into) {
      gate.assertOpen();
      return gate.run(() => device.read(offset, into));
    },
    async write(offset, data) {
      refuse(offset, segmentsLength(data));
    },
    async zero(offset, length) {
      refuse(offset, length);
    },
    async *extents(offset, length) {
      gate.assertOpen();
      yield* device.extents(offset, length);
    },
    async flush() {
      gate.assertOpen();
      return gate.run(() => device.flush());
    },
    close: () => gate.close(),
  };
}
