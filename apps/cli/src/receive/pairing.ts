import { hostname } from "node:os";

import { parseWireUrl, formatWireUrl } from "@blkmig/transport/url";

import type { ReceiveOptions } from "./receive-options.ts";

const EVERY_ADDRESS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
const TOKEN_FILE = "blkmig-token";

/** What the sender's side types, line by line: whoever has this token can send to us. */
export function describePairing(url: string, token: string, { disks, incremental }: ReceiveOptions): readonly string[] {
  const words = disks.map(({ name }) => `--disk ${quoted(`${name}=PATH`)}`);
  if (incremental) words.push("--incremental");
  return [
    "On the sender's host, with the path of each disk in place of PATH:",
    `  (umask 077 && echo ${token} > ${TOKEN_FILE})`,
    `  blkmig send ${quoted(dialled(url))} --token-file ${TOKEN_FILE} ${words.join(" ")}`,
  ];
}

/** Nobody can dial "every address of this host". */
function dialled(text: string): string {
  const url = parseWireUrl(text);
  return "host" in url && EVERY_ADDRESS.has(url.host) ? formatWireUrl({ ...url, host: hostname() }) : text;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
