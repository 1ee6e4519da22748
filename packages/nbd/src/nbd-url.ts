import { isIPv6 } from "node:net";

import type { NbdUrl } from "./nbd-contract.ts";
import { DEFAULT_PORT, MOST_STRING_BYTES } from "./nbd-numbers.ts";

const EXAMPLES = {
  nbd: "nbd://10.0.0.2:10809/disk or nbd://[::1]/disk",
  nbds: "nbds://alice@10.0.0.2/disk?tls-psk-file=/etc/blkmig/keys.psk",
  "nbd+unix": "nbd+unix:///disk?socket=/run/disk.sock",
  "nbds+unix": "nbds+unix://alice@/disk?socket=/run/disk.sock&tls-psk-file=/etc/blkmig/keys.psk",
} as const;

type Kind = keyof typeof EXAMPLES;
type Fail = (what: string) => never;

const isKind = (word: string): word is Kind => Object.hasOwn(EXAMPLES, word);

/** Whether a text means to be one: it begins with `nbd:`, `nbds:`, `nbd+unix:`, `nbds+unix:`, or a kind of `nbd+` that is unknown here. */
export function isNbdUrl(text: string): boolean {
  return /^nbds?(?:\+[^:/]*)?:/u.test(text);
}

/**
 * Understands an NBD URI as the NBD project specifies it, with libnbd's `tls-psk-file` and `tls-certificates`. Throws a
 * `TypeError` that says what is wrong and gives an example.
 */
export function parseNbdUrl(text: string): NbdUrl {
  const kind = text.slice(0, Math.max(0, text.indexOf(":")));
  if (!isKind(kind)) {
    const what = kind.endsWith("+vsock") ? "vsock is not spoken here" : `'${kind}' is no kind of NBD`;
    throw new TypeError(
      `'${text}': ${what}; kinds are ${Object.keys(EXAMPLES).join(", ")}, for example ${EXAMPLES.nbd}`,
    );
  }
  const fail: Fail = (what) => {
    throw new TypeError(`'${text}': ${what}, for example ${EXAMPLES[kind]}`);
  };
  const { user, host, port, path, query } = takeApart(text.slice(kind.length + 1), fail);
  const { socket, ...keys } = parseQuery(query, fail);
  const secure = kind.startsWith("nbds");
  // Who gives a key expects it to be used.
  if (!secure && Object.keys(keys).length > 0)
    fail(`'${kind}:' is clear text and uses no keys: write 'nbds' for 'nbd'`);
  if (keys.pskFile !== undefined && keys.certificates !== undefined) {
    fail("it is either tls-psk-file or tls-certificates, not both");
  }
  return {
    at: kind.endsWith("+unix") ? parseSocket(socket, host, port, fail) : parseAddress(socket, host, port, fail),
    exportName: parseName(path, fail),
    secure,
    ...(user === undefined ? {} : { user: decode(user, fail) || fail("the user before '@' is missing") }),
    ...keys,
  };
}

/** The URI of it, without key files and user: those are this machine's business. */
export function formatNbdUrl({ at, exportName, secure }: NbdUrl): string {
  const scheme = secure ? "nbds" : "nbd";
  const name = encodePath(exportName);
  if (at.kind === "unix") return `${scheme}+unix:///${name}?socket=${encodePath(at.path)}`;
  const host = isIPv6(at.host) ? `[${at.host.replace("%", "%25")}]` : at.host;
  return `${scheme}://${host}:${at.port}${name === "" ? "" : `/${name}`}`;
}

const encodePath = (text: string): string => text.split("/").map(encodeURIComponent).join("/");

const PARTS =
  /^\/\/(?:(?<user>[^@/?#]*)@)?(?<host>\[[^\]]*\]|[^:/?#[\]@]*)(?::(?<port>[^:/?#]*))?(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/su;

function takeApart(rest: string, fail: Fail) {
  if (rest.includes("#")) fail("an NBD URL has no fragment ('#'; write '%23' for itself)");
  if (/^\/\/[^[/?]*:[^/?]*:/u.test(rest)) fail("an IPv6 address is written in brackets");
  const groups = PARTS.exec(rest)?.groups ?? fail("it should be //host:port/export");
  const { user, host = "", port, path = "", query = "" } = groups;
  return { user, host, port, path, query };
}

function parseAddress(socket: string | undefined, host: string, port: string | undefined, fail: Fail) {
  if (socket !== undefined) fail("a socket goes with nbd+unix: or nbds+unix: only");
  return { kind: "tcp", host: parseHost(host, fail), port: parsePort(port, fail) } as const;
}

function parseHost(host: string, fail: Fail): string {
  if (host === "") fail("the host is missing");
  if (!host.startsWith("[")) return /^[\w.-]+$/u.test(host) ? host : fail(`'${host}' is no host`);
  const address = decode(host.slice(1, -1), fail);
  return isIPv6(address) ? address : fail(`'${host}' is no IPv6 address`);
}

function parsePort(port: string | undefined, fail: Fail): number {
  if (port === undefined) return DEFAULT_PORT;
  return /^\d{1,5}$/u.test(port) && Number(port) <= 65_535 ? Number(port) : fail(`'${port}' is no port: 0 to 65535`);
}

function parseSocket(socket: string | undefined, host: string, port: string | undefined, fail: Fail) {
  if (host !== "" || port !== undefined) fail("a unix socket has no host and no port, so there are three slashes");
  const path = socket ?? fail("the socket is missing");
  if (!path.startsWith("/")) fail("the socket must be an absolute path");
  return { kind: "unix", path } as const;
}

/** What follows the first slash: further ones belong to the name. */
function parseName(path: string, fail: Fail): string {
  const name = decode(path.slice(1), fail);
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > MOST_STRING_BYTES)
    fail(`an export's name has at most ${MOST_STRING_BYTES} bytes, and this one has ${bytes}`);
  return name;
}

const PARAMETERS = { socket: "socket", "tls-psk-file": "pskFile", "tls-certificates": "certificates" } as const;

type Parameters = { -readonly [name in (typeof PARAMETERS)[keyof typeof PARAMETERS]]?: string };

function parseQuery(query: string, fail: Fail): Parameters {
  const found: Parameters = {};
  for (const word of query.split("&").filter((text) => text !== "")) {
    const [name = "", value = ""] = splitOnce(word).map((text) => decode(text, fail));
    if (!Object.hasOwn(PARAMETERS, name)) {
      fail(`the parameter '${name}' is unknown: there are ${Object.keys(PARAMETERS).join(", ")}`);
    }
    const key = PARAMETERS[name as keyof typeof PARAMETERS];
    if (value === "") fail(`'${name}=' is empty`);
    if (key in found) fail(`'${name}=' is given twice`);
    found[key] = value;
  }
  return found;
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf("=");
  return at === -1 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
}

/** A '+' stays what it is: this is no form. */
function decode(text: string, fail: Fail): string {
  const decoded = decodeOr(text, () => fail("a '%' must be followed by two hex digits of UTF-8 ('%25' for itself)"));
  return decoded.includes("\0") ? fail("a zero byte ('%00') has no place in it") : decoded;
}

function decodeOr(text: string, fail: () => never): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return fail();
  }
}
