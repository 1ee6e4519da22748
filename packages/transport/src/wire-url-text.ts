import { isIP, isIPv4, isIPv6 } from "node:net";

import type { WireUrl } from "./wire-url.ts";

/** The text of it: `parseWireUrl(formatWireUrl(url))` is `url`. */
export function formatWireUrl(url: WireUrl): string {
  switch (url.kind) {
    case "stdio":
      return "stdio:";
    case "unix":
    case "file":
      return `${url.kind}://${url.path.split("/").map(encodeURIComponent).join("/")}`;
    case "ssh": {
      const user = url.user === undefined ? "" : `${url.user}@`;
      return `ssh://${user}${bracketed(url.host)}${url.port === undefined ? "" : `:${url.port}`}`;
    }
    case "tcp":
    case "tls":
      return `${url.kind}://${bracketed(url.host)}:${url.port}`;
    case "ws":
    case "wss":
      return `${url.kind}://${bracketed(url.host)}:${url.port}${url.path}`;
  }
}

/**
 * Whether the bytes stay on this machine, so that clear text is no risk: loopback (127.0.0.0/8, ::1, `localhost`), unix
 * sockets, stdio and files. Names are not looked up: only `localhost` is believed.
 */
export function isLocal(url: WireUrl): boolean {
  return "host" in url ? isLoopbackHost(url.host) : true;
}

function isLoopbackHost(host: string): boolean {
  if (isIP(host) === 0) return host.toLowerCase() === "localhost";
  const mapped = host.toLowerCase().startsWith("::ffff:") ? host.slice(7) : host;
  if (isIPv4(mapped)) return mapped.startsWith("127.");
  return new URL(`tcp://[${host.split("%")[0]}]`).hostname === "[::1]"; // however many zeros it was written with
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
