import type { BlockDeviceShape } from "./block-device-shape.ts";

/** One request on its way, as a latency sees it. */
export interface RequestShape {
  readonly action: "read" | "write" | "zero" | "flush";
  readonly offset: number;
  readonly length: number;
  /** Before it lands, or after it has landed (or failed) and before it is answered. */
  readonly when: "before" | "after";
}

export interface Faults {
  /** Each is asked at every request, when it would land; the error it returns is thrown instead. */
  failRead?(offset: number, length: number): Error | undefined;
  failWrite?(offset: number, length: number): Error | undefined;
  failZero?(offset: number, length: number): Error | undefined;
  failFlush?(): Error | undefined;
  /** Whether the first half of a write that fails lands nevertheless, as on a real disk. */
  readonly torn?: boolean;
  /** Awaited twice for each request. */
  latency?(request: RequestShape): Promise<void>;
}

/** The same disk, slower and with faults; it keeps the contract otherwise. Bounds are judged by the disk beneath. */
export function withFaults(device: BlockDeviceShape, faults: Faults): BlockDeviceShape {
  async function delayed(
    action: RequestShape["action"],
    offset: number,
    length: number,
    land: () => Promise<void>,
  ): Promise<void> {
    await faults.latency?.({ action, offset, length, when: "before" });
    try {
      await land();
    } finally {
      await faults.latency?.({ action, offset, length, when: "after" });
    }
  }

  return {
    name: device.name,
    size: device.size,
    readOnly: device.readOnly,
    read: (offset, into) =>
      delayed("read", offset, into.length, async () => {
        throwIf(faults.failRead?.(offset, into.length));
        await device.read(offset, into);
      }),
    async write(offset, data) {
      const length = data.reduce((sum, segment) => sum + segment.length, 0);
      await delayed("write", offset, length, async () => {
        const error = faults.failWrite?.(offset, length);
        if (error !== undefined && faults.torn) await device.write(offset, firstOf(data, Math.floor(length / 2)));
        throwIf(error);
        await device.write(offset, data);
      });
    },
    zero: (offset, length, options) =>
      delayed("zero", offset, length, async () => {
        throwIf(faults.failZero?.(offset, length));
        await device.zero(offset, length, options);
      }),
    extents: (offset, length) => device.extents(offset, length),
    flush: () =>
      delayed("flush", 0, 0, async () => {
        throwIf(faults.failFlush?.());
        await device.flush();
      }),
    close: () => device.close(),
  };
}

function throwIf(error: Error | undefined): void {
  if (error !== undefined) throw error;
}

function firstOf(data: readonly Uint8Array[], length: number): Uint8Array[] {
  let left = length;
  return data.map((segment) => {
    const part = segment.subarray(0, left);
    left -= part.length;
    return part;
  });
}
