import { resolve } from "node:path";

import { parseWireUrl } from "@blkmig/transport/url";

import { CommandError, messageOf } from "../command-error.ts";

/** CONTROL, a path or `unix:///path`: the path, absolute. `option` is what a refusal calls it. */
export function parseControl(text: string, option: string): string {
  if (text === "") throw new CommandError("usage", `${option}: the socket has no name`);
  if (!/^[a-z+]+:/u.test(text)) return resolve(text);
  try {
    const url = parseWireUrl(text);
    if (url.kind === "unix") return url.path;
  } catch (cause) {
    throw new CommandError("usage", `${option}: ${messageOf(cause)}`, { cause });
  }
  throw new CommandError("usage", `${option}: '${text}' is no socket of this machine: say a path, or unix:///path`);
}
