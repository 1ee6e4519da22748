import type { Segments } from "./block-device.ts";
import { codeOf } from "./file-device-error.ts";
import type { OpenFile } from "./open-file.ts";
import { segmentsLength } from "./segments-length.ts";
import type { Syscalls } from "./syscalls.ts";
import { createTurnBudget } from "./turn-budget.ts";

/** Copying more than this takes so long that a thread is the better place for it. */
const LARGEST = 128 * 1024;

/** Bytes copied at once before the event loop goes around. A small request counts as a page, for its call is what it costs. */
const BYTES_A_TURN = 2 ** 20;
const PAGE = 4096;

/** How many requests at most go another way before the page cache is asked again that had nothing. */
const LONGEST_REST = 63;

/**
 * The same file, whose small requests are done at once, on this thread, where they need not wait for the disk: a thread
 * costs tens of microseconds, a copy from the page cache one. What the page cache cannot do without waiting goes the
 * file's own way; so does all of it where the file system knows no such requests.
 */
export function withPageCache(file: OpenFile, syscalls: Syscalls): OpenFile {
  const { fd } = file;
  const budget = createTurnBudget(BYTES_A_TURN);
  const reads = createAttempts();
  const writes = createAttempts();

  function read(into: Uint8Array, offset: number): number | Promise<number> {
    if (into.length > LARGEST || !reads.isDue()) return file.read(into, offset);
    if (budget.isSpent()) return budget.nextTurn().then(() => read(into, offset));
    budget.spend(Math.max(into.length, PAGE));
    return reads.attempt(() => syscalls.readCached(fd, into, offset)) || file.read(into, offset);
  }

  function write(data: Segments, offset: number): number | Promise<number> {
    const length = segmentsLength(data);
    if (length > LARGEST || !writes.isDue()) return file.write(data, offset);
    if (budget.isSpent()) return budget.nextTurn().then(() => write(data, offset));
    budget.spend(Math.max(length, PAGE));
    return writes.attempt(() => syscalls.writeCached(fd, data, offset)) || file.write(data, offset);
  }

  return { ...file, read, write };
}

/** Whether to try what often succeeds, or never does. */
interface Attempts {
  /** Asked once for each request: each no brings the next yes nearer. */
  isDue(): boolean;
  /** What `call` did, 0 if nothing. Its error is left for the file's own way to tell, which is asked next. */
  attempt(call: () => number | undefined): number;
}

/**
 * Rests after each failure, longer each time: what is asked in vain makes a disk that is not cached only slower, and has it
 * read ahead, which is begun on this thread.
 */
function createAttempts(): Attempts {
  let isRefused = false;
  let rest = 0;
  let left = 0;

  function countOf(call: () => number | undefined): number {
    try {
      return call() ?? 0;
    } catch (error) {
      // This file's own, for good: other errors may pass.
      isRefused = ["EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EINVAL"].includes(codeOf(error));
      return 0;
    }
  }

  return {
    isDue() {
      if (isRefused) return false;
      if (left === 0) return true;
      left -= 1;
      return false;
    },
    attempt(call) {
      const count = countOf(call);
      rest = count > 0 ? 0 : Math.min(2 * rest + 1, LONGEST_REST);
      left = rest;
      return count;
    },
  };
}
