import type { BlockDevice, Extent } from "./block-device.ts";
import { checkExtent } from "./check-extent.ts";
import { DeviceError } from "./device-error.ts";
import { createRequestGate } from "./request-gate.ts";
import { segmentsLength } from "./segments-length.ts";

/** A disk, and the hand that exchanges what lies beneath it. */
export interface SwitchableDevice {
  /** Named, as large, in such sectors and as read-only as the first one, for good. Closing it closes nothing beneath. */
  readonly device: BlockDevice;
  /**
   * Requests begun from now on go to `next`, which is borrowed, as all of them are. Throws, and changes nothing, while a
   * request is under way (`TypeError`; a step of `extents` is one), and if `next` is of another size (`RangeError`) or
   * read-only where the disk is not (`TypeError`).
   */
  exchange(next: BlockDevice): void;
}

/** A disk whose lower device can be exchanged while nothing is under way: for one that lives on elsewhere. */
export function createSwitchableDevice(first: BlockDevice): SwitchableDevice {
  const { name, size, readOnly } = first;
  const gate = createRequestGate(name);
  let lower = first;

  function check(offset: number, length: number): void {
    gate.assertOpen();
    checkExtent(name, size, offset, length);
  }

  /** Asked here and not below: the one that comes after a read-only disk may be writable. */
  function checkChange(offset: number, length: number): void {
    check(offset, length);
    if (readOnly) throw new DeviceError("read-only", name, `write of ${length} bytes refused`, { offset });
  }

  const device: BlockDevice = {
    name,
    size,
    ...(first.sectorSize === undefined ? {} : { sectorSize: first.sectorSize }),
    readOnly,
    async read(offset, into) {
      check(offset, into.length);
      return gate.run(() => lower.read(offset, into));
    },
    async write(offset, data) {
      checkChange(offset, segmentsLength(data));
      return gate.run(() => lower.write(offset, data));
    },
    async zero(offset, length, options) {
      checkChange(offset, length);
      return gate.run(() => lower.zero(offset, length, options));
    },
    async *extents(offset, length) {
      check(offset, length);
      const end = offset + length;
      for (let at = offset; at < end;) {
        const asked = lower;
        const extents = asked.extents(at, end - at)[Symbol.asyncIterator]();
        try {
          // One that was exchanged in between is not asked again: what it says of the rest is no longer this disk's. Nor
          // does the list end there, for who asked would take the rest for missing: the next one goes on with it.
          while (at < end && asked === lower) {
            const step: IteratorResult<Extent> = await gate.run(() => extents.next());
            if (step.done) return;
            at = step.value.offset + step.value.length;
            yield step.value;
          }
        } finally {
          await extents.return?.();
        }
      }
    },
    async flush() {
      gate.assertOpen();
      return gate.run(() => lower.flush());
    },
    close: () => gate.close(),
  };

  return {
    device,
    exchange(next) {
      if (!gate.isIdle()) throw new TypeError(`disk '${name}': exchange() while a request is under way`);
      if (next.size !== size) throw new RangeError(`disk '${name}': ${next.size} bytes in exchange for ${size}`);
      if (next.readOnly && !readOnly)
        throw new TypeError(`disk '${name}': a read-only disk in exchange for a writable one`);
      lower = next;
    },
  };
}
