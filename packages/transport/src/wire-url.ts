import { isIPv6 } from "node:net";

/** Where a stream goes to or comes from, by kind. Hosts are without brackets. */
export type WireUrl =
  | { readonly kind: "tcp" | "tls"; readonly host: string; readonly port: number }
  | { readonly kind: "ws" | "wss"; readonly host: string; readonly port: number; readonly path: string }
  | { readonly kind: "unix" | "file"; readonly path: string }
  | { readonly kind: "ssh"; readonly host: string; readonly user?: string; readonly port?: number }
  | { readonly kind: "stdio" };

const EXAMPLES: Readonly<Record<WireUrl["kind"], string>> = {
  tcp: "tcp://10.0.0.2:4711 or tcp://[::1]:4711",
  tls: "tls://backup.example:4711",
  ws: "ws://10.0.0.2:8080/migrate",
  wss: "wss://backup.example/migrate",
  unix: "unix:///run/blkmig.sock",
  file: "file:///var/tmp/disk.stream",
  ssh: "ssh://root@backup.example",
  stdio: "stdio: or -",
};

const isKind = (word: string): word is WireUrl["kind"] => Object.hasOwn(EXAMPLES, word);

/**
 * Understands `tcp://host:port`, `tls://host:port`, `ws://host:port/path`, `wss://…`, `unix:///path`, `file:///path`,
 * `ssh://[user@]host[:port]` and `stdio:` or `-`. Throws a `TypeError` that says what is wrong and gives an example.
 */
export function parseWireUrl(text: string): WireUrl {
  if (text === "-") return { kind: "stdio" };
  const kind = text.slice(0, Math.max(0, text.indexOf(":")));
  if (!isKind(kind)) {
    const what = kind === "" ? "it does not begin with a kind" : `'${kind}' is no kind of wire`;
    throw new TypeError(
      `'${text}': ${what}; kinds are ${Object.keys(EXAMPLES).join(", ")}, for example ${EXAMPLES.tcp}`,
    );
  }
  const fail = (what: string): never => {
    throw new TypeError(`'${text}': ${what}, for example ${EXAMPLES[kind]}`);
  };
  const rest = text.slice(kind.length + 1);
  switch (kind) {
    case "stdio":
      return rest === "" || rest === "//" ? { kind } : fail("nothing can follow stdio:");
    case "unix":
    case "file":
      return { kind, path: parsePath(rest, fail) };
    case "ssh":
      return { kind, ...parseSsh(rest, fail) };
    case "tcp":
    case "tls": {
      const { host, port, after } = parseAuthority(rest, fail);
      if (after !== "" && after !== "/") fail(`nothing can follow the port ('${after}')`);
      return { kind, host, port: port ?? fail("the port is missing") };
    }
    case "ws":
    case "wss": {
      const { host, port, after } = parseAuthority(rest, fail);
      if (after.includes("#")) fail("a WebSocket has no fragment ('#')");
      return { kind, host, port: port ?? (kind === "ws" ? 80 : 443), path: after === "" ? "/" : after };
    }
  }
}

/** `unix:///run/a`: three slashes, since the path is absolute; `%20` is a space, as in every URL. */
function parsePath(rest: string, fail: (what: string) => never): string {
  if (!rest.startsWith("///")) fail("an absolute path must follow, so there are three slashes");
  const path = decode(rest.slice(2), fail);
  if (path === "/") fail("the path is missing");
  if (path.includes("\0")) fail("a path has no zero byte");
  return path;
}

function decode(text: string, fail: (what: string) => never): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return fail("a '%' must be followed by two hex digits (write '%25' for itself)");
  }
}

const AUTHORITY = /^\/\/(?<host>\[[^\]]*\]|[^:/?#[\]]*)(?::(?<port>[^/?#]*))?(?<after>(?:[/?#].*)?)$/su;

function parseAuthority(rest: string, fail: (what: string) => never) {
  if (/^\/\/[^[/?#]*:[^/?#]*:/u.test(rest)) fail("an IPv6 address is written in brackets");
  const groups = AUTHORITY.exec(rest)?.groups ?? fail("it should be //host:port");
  const host = parseHost(groups["host"] ?? "", fail);
  const port = groups["port"] === undefined ? undefined : parsePort(groups["port"], fail);
  return { host, port, after: groups["after"] ?? "" };
}

function parseHost(host: string, fail: (what: string) => never): string {
  if (host === "") fail("the host is missing");
  if (!host.startsWith("[")) {
    return /^[\w.-]+$/u.test(host) ? host : fail(`'${host}' is no host`);
  }
  const address = host.slice(1, -1);
  return isIPv6(address) ? address : fail(`'${host}' is no IPv6 address`);
}

function parsePort(port: string, fail: (what: string) => never): number {
  if (!/^\d{1,5}$/u.test(port) || Number(port) > 65_535) fail(`'${port}' is no port: 0 to 65535`);
  return Number(port);
}

function parseSsh(rest: string, fail: (what: string) => never) {
  const at = rest.indexOf("@");
  const user = at === -1 ? undefined : rest.slice(2, at);
  if (user !== undefined && !/^[\w.][\w.-]*$/u.test(user)) fail(`'${user}' is no user`);
  const { host, port, after } = parseAuthority(at === -1 ? rest : `//${rest.slice(at + 1)}`, fail);
  if (after !== "" && after !== "/") fail(`nothing can follow the host ('${after}')`);
  if (host.startsWith("-")) fail("a host does not begin with '-'"); // ssh would take it for an option
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}
