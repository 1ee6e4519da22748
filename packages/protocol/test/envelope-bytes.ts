/** Numbers and texts as the bytes of a stream: text is ASCII; a `bigint` is 8 bytes, a number 1. */
export function wire(...fields: readonly (number | bigint | string | readonly number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap((field) => {
      if (typeof field === "number") return [field];
      if (typeof field === "string") return Array.from(field, (char) => char.charCodeAt(0));
      return typeof field === "bigint" ? be(field, 8) : Array.from(field);
    }),
  );
}

/** An unsigned number, big-endian, in so many bytes. */
export function be(value: number | bigint, bytes: number): number[] {
  const digits = BigInt(value)
    .toString(16)
    .padStart(2 * bytes, "0");
  return Array.from({ length: bytes }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

export const u32 = (value: number): number[] => be(value, 4);
export const u16 = (value: number): number[] => be(value, 2);
/** u8 length, then the text. */
export const named = (name: string): Uint8Array => wire(name.length, name);

export const header: Uint8Array = wire("QEVM", u32(3));
export const eos: Uint8Array = wire(2n);
export const ramEos: Uint8Array = wire(0x10n);
export const footer = (id: number): Uint8Array => wire(0x7e, u32(id));
export const start = (id: number, name: string, version: number): Uint8Array =>
  wire(1, u32(id), named(name), u32(0), u32(version));
export const part = (id: number): Uint8Array => wire(2, u32(id));
export const end = (id: number): Uint8Array => wire(3, u32(id));
/** START of block and of ram, with empty bodies. */
export const started: Uint8Array = wire(start(2, "block", 1), eos, footer(2), start(3, "ram", 4), ramEos, footer(3));
