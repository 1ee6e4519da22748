import type { BlockDevice, Extent } from "./block-device.ts";
import { checkExtent } from "./check-extent.ts";
import type { Change } from "./land-change.ts";
import type { RequestGate } from "./request-gate.ts";
import { segmentsLength } from "./segments-length.ts";

/** The face of `device` that a guest uses: every request goes through the gate, and every change through `perform`. */
export function createGuestFace(
  device: BlockDevice,
  gate: RequestGate,
  perform: (change: Change) => Promise<void>,
): BlockDevice {
  const { name, size, readOnly } = device;

  function check(offset: number, length: number): void {
    gate.assertOpen();
    checkExtent(name, size, offset, length);
  }

  return {
    name,
    size,
    readOnly,
    async read(offset, into) {
      check(offset, into.length);
      return gate.run(() => device.read(offset, into));
    },
    async write(offset, data) {
      const length = segmentsLength(data);
      check(offset, length);
      return perform({ offset, length, data, land: () => device.write(offset, data) });
    },
    async zero(offset, length, zeroing) {
      check(offset, length);
      return perform({ offset, length, data: "zero", land: () => device.zero(offset, length, zeroing) });
    },
    async *extents(offset, length) {
      check(offset, length);
      const extents = device.extents(offset, length)[Symbol.asyncIterator]();
      // Each step is a request of its own: a slow reader of the list must not keep a pause waiting.
      try {
        for (;;) {
          const step: IteratorResult<Extent> = await gate.run(() => extents.next());
          if (step.done) return;
          yield step.value;
        }
      } finally {
        await extents.return?.();
      }
    },
    async flush() {
      gate.assertOpen();
      return gate.run(() => device.flush());
    },
    close: () => gate.close(),
  };
}
