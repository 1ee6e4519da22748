import { checkExtent, DeviceError, type Extent, type Segments, type ZeroOptions } from "@blkmig/device";

import { dirtyOf, joined } from "./client-dirty.ts";
import { extentsOf } from "./client-extents.ts";
import { toDeviceError } from "./client-failures.ts";
import type { Ledger } from "./client-ledger.ts";
import type { Lines } from "./client-lines.ts";
import { FlushRequest, StatusRequest } from "./client-request.ts";
import { ServerError } from "./client-server-error.ts";
import { readBlocks, widen, writeBlocks } from "./client-transfer.ts";
import { RequestsUnderWay } from "./client-under-way.ts";
import { createZero } from "./client-zero.ts";
import type { DirtyExtent, NbdDevice } from "./nbd-contract.ts";
import { ERROR, FLAG } from "./nbd-numbers.ts";

/** One description at most covers this much. */
const STATUS_BYTES = 2 ** 30;

export interface NbdDeviceOptions {
  readonly name: string;
  readonly url: string;
  readonly readOnly: boolean;
  /** Given: `close()` closes them. */
  readonly lines: Lines;
  readonly ledger: Ledger;
}

/** A disk over connections that are open. */
export function createNbdDevice({ name, url, readOnly, lines, ledger }: NbdDeviceOptions): NbdDevice {
  const { size, flags, blockSizes, structured, allocation, depth, dirty } = lines.offer;
  const requests = new RequestsUnderWay(name);
  const zero = createZero(lines, ledger);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  let closing: Promise<void> | undefined;

  /** Runs one request; `what`: `write of 4096 bytes at 512`. */
  async function run<T>(what: string, offset: number, writes: boolean, act: () => Promise<T>): Promise<T> {
    return requests.run(async () => {
      if (writes && readOnly) {
        throw new DeviceError("read-only", name, `${what} refused: it is read-only`, { offset });
      }
      return act().catch((error: unknown) => {
        if (error instanceof DeviceError) throw error;
        throw toDeviceError({ device: name, what, offset, writes }, error);
      });
    });
  }

  function assertBlocks(what: string, offset: number, length: number): void {
    const { minimum } = blockSizes;
    const end = offset + length;
    if (offset % minimum === 0 && (end % minimum === 0 || end === size)) return;
    const why = `the server takes whole blocks of ${minimum} bytes only`;
    throw new DeviceError("io", name, `${what} refused: ${why}`, { offset });
  }

  async function zeroBlocks(offset: number, length: number, options: ZeroOptions): Promise<void> {
    const refuse = (cause?: unknown): never => {
      const what = `zeroing of ${length} bytes at ${offset} is not faster here than writing zeroes`;
      throw new DeviceError("not-supported", name, what, { offset, cause });
    };
    if (options.fast && !(has(FLAG.SEND_WRITE_ZEROES) && has(FLAG.SEND_FAST_ZERO))) refuse();
    await zero(offset, length, options).catch((error: unknown) => {
      if (options.fast && error instanceof ServerError && error.error === ERROR.ENOTSUP) refuse(error);
      throw error;
    });
  }

  /** At least one extent, from `from` on. */
  async function describe(from: number, to: number): Promise<readonly Extent[]> {
    if (allocation === undefined && depth === undefined) {
      return [{ offset: from, length: to - from, zero: false, allocated: true }];
    }
    const { said, first, last } = await askStatus(from, to);
    return spoken(extentsOf(said, first, from, Math.min(to, last)), from);
  }

  /** The same of the dirty bitmap. */
  async function describeDirty(from: number, to: number): Promise<readonly DirtyExtent[]> {
    const { said, first, last } = await askStatus(from, to);
    return spoken(dirtyOf(said.dirty ?? [], first, from, Math.min(to, last)), from);
  }

  /** Of whole blocks, as many as one answer is asked for: at least those that hold the byte at `from`. */
  async function askStatus(from: number, to: number) {
    const [first, last] = widen(from, Math.min(to - from, STATUS_BYTES), blockSizes.minimum, size);
    const said = new StatusRequest(first, last - first);
    await lines.ask(said);
    return { said, first, last };
  }

  function spoken<T>(extents: readonly T[], from: number): readonly T[] {
    if (extents.length === 0) throw new DeviceError("io", name, `the server says nothing of the byte at ${from}`);
    return extents;
  }

  async function* walkDirty(offset: number, length: number): AsyncGenerator<DirtyExtent> {
    checkExtent(name, size, offset, length);
    if (dirty === undefined) throw new DeviceError("not-supported", name, "it was opened without a dirty bitmap");
    const end = offset + length;
    for (let at = offset; at < end;) {
      const from = at;
      const found = await run(`looking for what is dirty at ${from}`, from, false, async () =>
        describeDirty(from, end),
      );
      for (const extent of found) {
        yield extent;
        at += extent.length;
      }
    }
  }

  async function flush(): Promise<void> {
    if (readOnly) return; // nothing was written
    if (has(FLAG.SEND_FLUSH)) return lines.ask(new FlushRequest(ledger));
    // By the protocol a server without flush keeps nothing back; but what it kept before a crash, nobody knows.
    if (ledger.loss !== undefined) throw new Error(ledger.loss);
    ledger.flush(ledger.acknowledged);
  }

  async function letGo(): Promise<void> {
    lines.hurry();
    await requests.close();
    await lines.close();
  }

  return {
    name,
    url,
    size,
    readOnly,
    blockSizes,
    features: {
      flush: has(FLAG.SEND_FLUSH),
      fua: has(FLAG.SEND_FUA),
      trim: has(FLAG.SEND_TRIM),
      writeZeroes: has(FLAG.SEND_WRITE_ZEROES),
      fastZero: has(FLAG.SEND_FAST_ZERO),
      cache: has(FLAG.SEND_CACHE),
      multiConn: has(FLAG.CAN_MULTI_CONN),
      structured,
      allocation: allocation !== undefined,
      allocationDepth: depth !== undefined,
    },
    get identity() {
      return lines.offer.identity;
    },
    get unflushed() {
      return ledger.hasUnflushed;
    },
    read: async (offset, into) => {
      checkExtent(name, size, offset, into.length);
      await run(`read of ${into.length} bytes at ${offset}`, offset, false, async () =>
        readBlocks(lines, offset, into),
      );
    },
    write: async (offset: number, data: Segments) => {
      const length = data.reduce((sum, segment) => sum + segment.length, 0);
      checkExtent(name, size, offset, length);
      const what = `write of ${length} bytes at ${offset}`;
      await run(what, offset, true, async () => {
        assertBlocks(what, offset, length);
        await writeBlocks(lines, ledger, offset, data);
      });
    },
    zero: async (offset, length, options = {}) => {
      checkExtent(name, size, offset, length);
      const what = `zeroing of ${length} bytes at ${offset}`;
      await run(what, offset, true, async () => {
        assertBlocks(what, offset, length);
        await zeroBlocks(offset, length, options);
      });
    },
    extents: async function* extents(offset, length) {
      checkExtent(name, size, offset, length);
      const end = offset + length;
      for (let at = offset; at < end;) {
        const from = at;
        const found = await run(`looking for holes at ${from}`, from, false, async () => describe(from, end));
        for (const extent of found) {
          yield extent;
          at += extent.length;
        }
      }
    },
    dirty: (offset, length) => joined(walkDirty(offset, length)),
    flush: async () => run("flush", 0, false, flush),
    close: async () => (closing ??= letGo()),
  };
}
