import type { Segments } from "./block-device.ts";
import { DeviceError } from "./device-error.ts";
import { requestFailed } from "./file-device-error.ts";
import type { OpenFile } from "./open-file.ts";
import { segmentsLength } from "./segments-length.ts";

/** Fills all of `into`, however short the file's reads are. A file that ends before is `short`. */
export async function readAll(file: OpenFile, device: string, offset: number, into: Uint8Array): Promise<void> {
  let done = 0;
  // Said when it is needed only: a text for each request would cost as much as a small read.
  const what = (): string => `read of ${into.length} bytes at ${offset}`;
  try {
    while (done < into.length) {
      const count = await file.read(done === 0 ? into : into.subarray(done), offset + done);
      if (count === 0)
        throw new DeviceError(
          "short",
          device,
          `${what()} ended after ${done} bytes: it is shorter than when it was opened`,
          { offset: offset + done },
        );
      done += count;
    }
  } catch (error) {
    throw requestFailed(device, what(), offset + done, error);
  }
}

/** Writes all of `data`, however short the file's writes are. The error's offset is the first byte that was not taken. */
export async function writeAll(file: OpenFile, device: string, offset: number, data: Segments): Promise<void> {
  const length = segmentsLength(data);
  let rest = withoutFirst(data, 0); // a front of empty segments alone would be answered with 0
  let done = 0;
  const what = (): string => `write of ${length} bytes at ${offset}`;
  try {
    while (done < length) {
      const count = await file.write(rest, offset + done);
      // A file that takes nothing and says nothing would be asked for ever.
      if (count === 0)
        throw new DeviceError("io", device, `${what()} stopped after ${done} bytes: the system takes no more`, {
          offset: offset + done,
        });
      done += count;
      if (done < length) rest = withoutFirst(rest, count);
    }
  } catch (error) {
    throw requestFailed(device, `${what()}, after ${done} of them,`, offset + done, error);
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
