import { CommandError } from "../command-error.ts";

const FACTORS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `512`, `100K`, `1.5G`: bytes, by powers of 1024. `option` is what a refusal calls it. */
export function parseBytes(text: string, option: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text) ?? [];
  const bytes = Number(digits) * FACTORS[unit]!;
  if (digits === "" || (unit === "" && !Number.isInteger(bytes))) {
    throw new CommandError("usage", `${option}: '${text}' is no number of bytes such as 512, 100K, 1.5M, 2G or 1T`);
  }
  if (bytes > Number.MAX_SAFE_INTEGER) throw new CommandError("usage", `${option}: '${text}' is too many bytes`);
  return Math.floor(bytes);
}

/** Bytes per second that something can move at. */
export function parseBandwidth(text: string, option: string): number {
  const bytes = parseBytes(text, option);
  if (bytes === 0) throw new CommandError("usage", `${option}: at 0 bytes a second nothing would ever arrive`);
  return bytes;
}
