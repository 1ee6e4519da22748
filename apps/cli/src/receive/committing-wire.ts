import { encodeShut } from "@blkmig/protocol";
import type { SinkWire } from "@blkmig/sink";

/**
 * A sender's wire on which the last good word waits for `commit`: a sender that lets go of its disk must not be ahead of the
 * record. If that fails the sender is told no, and the send throws.
 */
export function createCommittingWire(wire: SinkWire, commit: () => Promise<void>): SinkWire {
  const read = async (into: Uint8Array): Promise<number> => wire.read(into);
  if (!wire.send) return { read };
  const yes = Buffer.concat(encodeShut(0));
  return {
    read,
    async send(data) {
      if (!yes.equals(Buffer.concat(data))) return wire.send?.(data);
      try {
        await commit();
      } catch (error) {
        await wire.send?.(encodeShut(1));
        throw error;
      }
      await wire.send?.(data);
    },
  };
}
