import koffi from "koffi";

const RUSAGE_CHILDREN = -1;
/** `struct rusage` begins with two `struct timeval`: user and system time, each of seconds and microseconds. */
const RUSAGE_BYTES = 144;

const getrusage = koffi.load(null).func("int getrusage(int who, void *usage)");

/** Seconds of CPU, user and system, of all processes that this one has started and that have ended. */
export function childrenCpuSeconds(): number {
  const usage = Buffer.alloc(RUSAGE_BYTES);
  if (getrusage(RUSAGE_CHILDREN, usage) !== 0) throw new Error("getrusage has failed");
  const [userSeconds, userMicros, systemSeconds, systemMicros] = new BigInt64Array(usage.buffer, usage.byteOffset, 4);
  return Number(userSeconds! + systemSeconds!) + Number(userMicros! + systemMicros!) / 1e6;
}
