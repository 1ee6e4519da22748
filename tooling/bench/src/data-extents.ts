import koffi from "koffi";

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

const lseek = koffi.load(null).func("int64_t lseek(int file, int64_t offset, int whence)");

/** Where the file has data, in order, as far as its file system says; everything else reads as zero. */
export function* dataExtents(file: number, size: number): Generator<{ readonly from: number; readonly to: number }> {
  for (let at = 0; at < size;) {
    const from = Number(lseek(file, at, SEEK_DATA));
    if (from < 0) {
      if (koffi.errno() === koffi.os.errno["ENXIO"]) return; // only a hole follows
      throw new Error(`lseek has failed with errno ${koffi.errno()}`);
    }
    const to = Number(lseek(file, from, SEEK_HOLE));
    yield { from, to };
    at = to;
  }
}
