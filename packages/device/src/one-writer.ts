import type { Segments } from "./block-device.ts";
import type { OpenFile } from "./open-file.ts";
import { segmentsLength } from "./segments-length.ts";

/** Shorter writes are done before a turn could be passed on. */
const LONG = 128 * 1024;

/** A file whose long writes take turns. */
interface OneWriter extends OpenFile {
  write(data: Segments, offset: number): Promise<number>;
}

/**
 * The same file, whose long writes go one at a time. Linux lets one buffered write at a time into a file, whatever its file system,
 * and who waits for its turn spins, on a thread that a read could use: on tmpfs four writers took a third more of the
 * processors than one, and no less time.
 */
export function withOneWriter(file: OpenFile): OneWriter {
  let last: Promise<unknown> | undefined;

  async function after(before: Promise<unknown>, data: Segments, offset: number): Promise<number> {
    await before;
    return file.write(data, offset);
  }

  return {
    ...file,
    async write(data, offset) {
      if (segmentsLength(data) < LONG) return file.write(data, offset);
      const written = last === undefined ? Promise.resolve(file.write(data, offset)) : after(last, data, offset);
      const forget = (): void => {
        if (last === turn) last = undefined;
      };
      const turn = written.then(forget, forget); // the next one goes on, whether this one failed or not
      last = turn;
      return written;
    },
  };
}
