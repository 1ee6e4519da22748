import type { Segments } from "./block-device.ts";
import { DeviceError } from "./device-error.ts";
import { requestFailed } from "./file-device-error.ts";
import type { OpenFile } from "./open-file.ts";
import { segmentsLength } from "./segments-length.ts";

/** Fills all of `into`, however short the file's reads are. A file that ends before is `short`. */
export async function readAll(file: OpenFile, device: string, offset: number, into: Uint8Array): Promise<void> {
  const what = `read of ${into.length} bytes at ${offset}`;
  let done = 0;
  while (done < into.length) {
    const rest = done === 0 ? into : into.subarray(done);
    const count = await file.read(rest, offset + done).catch((error: unknown) => {
      throw requestFailed(device, what, offset + done, error);
    });
    if (count === 0) throw new DeviceError("short", device, `${what} ended after ${done}`, { offset: offset + done });
    done += count;
  }
}

/** Writes all of `data`, however short the file's writes are. The error's offset is the first byte that was not taken. */
export async function writeAll(file: OpenFile, device: string, offset: number, data: Segments): Promise<void> {
  const length = segmentsLength(data);
  const what = `write of ${length} bytes at ${offset}`;
  let rest = withoutFirst(data, 0); // a front of empty segments alone would be answered with 0
  let done = 0;
  while (done < length) {
    const count = await file.write(rest, offset + done).catch((error: unknown) => {
      throw requestFailed(device, `${what}, after ${done} of them,`, offset + done, error);
    });
    // A file that takes nothing and says nothing would be asked for ever.
    if (count === 0) throw new DeviceError("io", device, `${what} stopped after ${done}`, { offset: offset + done });
    done += count;
    if (done < length) rest = withoutFirst(rest, count);
  }
}

/** `data` without its first `count` bytes and the empty segments there: views of the same memory. */
export function withoutFirst(data: Segments, count: number): Segments {
  let left = count;
  let index = 0;
  for (const segment of data) {
    if (left < segment.length) break;
    left -= segment.length;
    index += 1;
  }
  const first = data[index];
  return first === undefined ? [] : [first.subarray(left), ...data.slice(index + 1)];
}
