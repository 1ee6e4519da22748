import type { Segments } from "@blkmig/device";
import type { SourceWire } from "@blkmig/source";
import { naiveDecode } from "@blkmig/testkit";

const MiB = 1024 * 1024;

/** A classic stream's blocks are whole, and a disk's last one is often not: what stands behind its end must be zero. */
export function watchPadding<Wire extends SourceWire>(
  wire: Wire,
  disks: readonly { readonly name: string; readonly size: number }[],
  onLeak: (what: string) => void,
): Wire {
  if (disks.every(({ size }) => size % MiB === 0)) return wire;

  /** Every send is whole frames. */
  const look = (data: Segments): void => {
    for (const frame of naiveDecode(Buffer.concat(data)).frames) {
      if (frame.type !== "block") continue;
      const size = disks.find(({ name }) => name === frame.device)?.size ?? 0;
      const behind = frame.data.subarray(Math.max(0, size - frame.offset));
      if (!Buffer.alloc(behind.length).equals(behind))
        onLeak(`law 6: bytes behind the end of ${frame.device} left the host`);
    }
  };

  return {
    ...wire,
    async send(data: Segments) {
      look(data); // they are borrowed until it settles
      await wire.send(data);
    },
  };
}
