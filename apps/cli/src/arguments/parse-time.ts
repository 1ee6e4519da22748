import { CommandError } from "../command-error.ts";

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** `300ms`, `1.5s`, `2m`: milliseconds. `option` is what a refusal calls it. */
export function parseTime(text: string, option: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const ms = Number(digits) * (MILLISECONDS[unit] ?? Number.NaN);
  if (!Number.isSafeInteger(Math.ceil(ms))) {
    throw new CommandError("usage", `${option}: '${text}' is no time such as 300ms, 1.5s or 2m`);
  }
  return ms;
}
