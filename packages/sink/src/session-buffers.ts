import { type BufferPool, createBufferPool } from "@blkmig/device/memory";

const KiB = 1024;
const SMALL = 64 * KiB;
const READ_BACK = 256 * KiB;
const DEFAULT_BUFFERED_BYTES = 32 * KiB * KiB;

/** The memory of one connection: payloads small and large, and what is read back to be hashed. */
export interface SessionBuffers {
  /** For a payload of so many bytes: small ones do not cost a large buffer each. */
  payload(length: number): BufferPool;
  readonly readBack: BufferPool;
}

/** The parts of `bufferedBytes`: a quarter for small payloads, a sixteenth (2 MiB at most) to read back, the rest for large ones. */
export function createSessionBuffers(
  frameBytes: number,
  bufferedBytes: number = DEFAULT_BUFFERED_BYTES,
): SessionBuffers {
  const small = createBufferPool({ bytes: SMALL, count: atLeastOne(bufferedBytes / 4 / SMALL) });
  const readBack = createBufferPool({
    bytes: READ_BACK,
    count: Math.min(8, atLeastOne(bufferedBytes / 16 / READ_BACK)),
  });
  const large = createBufferPool({ bytes: frameBytes, count: atLeastOne((bufferedBytes * 11) / 16 / frameBytes) });
  return { payload: (length) => (length <= SMALL ? small : large), readBack };
}

const atLeastOne = (count: number): number => Math.max(1, Math.floor(count));
