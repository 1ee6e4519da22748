const SLICES = 8;
const POLYNOMIAL = 0xedb8_8320;

/** Eight tables of 256, one behind the other: table k is what a byte does that has k more bytes behind it. */
const tables = new Uint32Array(SLICES * 256);

/**
 * CRC-32 (IEEE 802.3, reflected) in plain JavaScript, eight bytes a step: where there is no `node:zlib`, whose `crc32` gives
 * the same in a third of the time.
 *
 * @param data Borrowed for the call.
 * @param seed The CRC-32 of what stands before `data`; 0 where nothing does.
 */
export function crc32(data: Uint8Array, seed = 0): number {
  if (tables[1] === 0) fill();
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const whole = data.length - (data.length % SLICES);
  let crc = ~seed;
  for (let at = 0; at < whole; at += SLICES) {
    const first = view.getUint32(at, true) ^ crc;
    const second = view.getUint32(at + 4, true);
    crc =
      entry(7, first & 255) ^
      entry(6, (first >>> 8) & 255) ^
      entry(5, (first >>> 16) & 255) ^
      entry(4, first >>> 24) ^
      entry(3, second & 255) ^
      entry(2, (second >>> 8) & 255) ^
      entry(1, (second >>> 16) & 255) ^
      entry(0, second >>> 24);
  }
  for (let at = whole; at < data.length; at++) crc = entry(0, (crc ^ view.getUint8(at)) & 255) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function entry(table: number, byte: number): number {
  return tables[table * 256 + byte] ?? 0;
}

/** On first use: an import that is not used costs nothing. */
function fill(): void {
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : POLYNOMIAL);
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256] ?? 0;
    tables[i] = entry(0, before & 255) ^ (before >>> 8);
  }
}
