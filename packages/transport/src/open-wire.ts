import type { Connection, Listener } from "./connection.ts";
import type { SshOptions } from "./ssh-connect.ts";
import type { TlsOptions } from "./tls-options.ts";
import { TransportError } from "./transport-error.ts";
import { formatWireUrl } from "./wire-url-text.ts";
import type { WireUrl } from "./wire-url.ts";

/** What a URL does not say of a wire that is dialled. */
export interface ConnectUrlOptions {
  /** Ends the attempt, not the connection. */
  readonly signal?: AbortSignal;
  /** For `tls:` and `wss:`, which need it; refused with every other kind of wire. */
  readonly tls?: TlsOptions;
  /** For `ssh:`, which needs it. */
  readonly ssh?: SshOptions;
}

/** What a URL does not say of a wire that is listened on. */
export interface ListenUrlOptions {
  /** For WebSockets: origins whose pages may connect; none by default. */
  readonly allowOrigin?: readonly string[];
  /** For `tls:` and `wss:`, which need it; refused with every other kind of wire. */
  readonly tls?: TlsOptions;
  /** For TLS and WebSockets: a peer that is not ready in that time is dropped. Default 10 seconds. */
  readonly handshakeTimeoutMs?: number;
  /** Hears of each peer that was turned away, and why, in a sentence. */
  readonly onRefused?: (peer: string, why: string) => void;
}

/**
 * Dials; what a wire needs is loaded only now. A file is opened for writing: who dials, sends. Throws `TransportError`
 * `connect`, or whatever the wire of that kind throws, and `TypeError` for `tls` where nothing would be encrypted.
 */
export async function connectUrl(url: WireUrl, options: ConnectUrlOptions = {}): Promise<Connection> {
  const { signal, tls, ssh } = options;
  const attempt = signal ? { signal } : {};
  refuseClearText(url, tls);
  switch (url.kind) {
    case "tcp":
      return (await import("./tcp-wire.ts")).connectTcp({ ...url, ...attempt });
    case "unix":
      return (await import("./unix-wire.ts")).connectUnix({ ...url, ...attempt });
    case "ws":
      return (await import("./ws-connect.ts")).connectWs({ url: formatWireUrl(url), ...attempt });
    case "stdio":
      return (await import("./open-stdio.ts")).openStdio();
    case "file":
      return (await import("./write-stream-file.ts")).writeStreamFile(url.path);
    case "tls":
      if (!tls) throw lacking("connect", url, KEYS);
      return (await import("./tls-connect.ts")).connectTls({ ...url, ...attempt, tls });
    case "wss":
      if (!tls) throw lacking("connect", url, KEYS);
      return (await import("./ws-connect.ts")).connectWs({ url: formatWireUrl(url), ...attempt, tls });
    case "ssh":
      if (!ssh) throw lacking("connect", url, "what to run there: the option ssh with remote");
      return (await import("./ssh-connect.ts")).connectSsh(url, { ...ssh, ...attempt });
  }
}

/**
 * Listens; stdio and files are one peer that is there already, and a file is opened for reading: who listens, receives.
 * Throws `TransportError` `listen`, or whatever the wire of that kind throws, and `TypeError` for `tls` where nothing would
 * be encrypted.
 */
export async function listenUrl(url: WireUrl, options: ListenUrlOptions = {}): Promise<Listener> {
  const { tls, ...others } = options;
  const told = others.onRefused ? { onRefused: others.onRefused } : {};
  refuseClearText(url, tls);
  switch (url.kind) {
    case "tcp":
      return (await import("./tcp-wire.ts")).listenTcp({ ...url, ...told });
    case "unix":
      return (await import("./unix-wire.ts")).listenUnix({ ...url, ...told });
    case "ws":
      return (await import("./ws-listen.ts")).listenWs({ ...url, ...others });
    case "stdio":
      return listenOnce(url, (await import("./open-stdio.ts")).openStdio());
    case "file":
      return listenOnce(url, await (await import("./read-stream-file.ts")).readStreamFile(url.path));
    case "tls":
      if (!tls) throw lacking("listen", url, KEYS);
      return (await import("./tls-listen.ts")).listenTls({ ...url, ...others, tls });
    case "wss":
      if (!tls) throw lacking("listen", url, KEYS);
      return (await import("./ws-listen.ts")).listenWs({ ...url, ...others, tls });
    case "ssh":
      throw new TransportError("listen", formatWireUrl(url), "ssh is for sending only: nobody can listen there");
  }
}

const KEYS = "a token, or a certificate with its key and ca: the option tls";

function lacking(code: "connect" | "listen", url: WireUrl, what: string): TransportError {
  return new TransportError(code, formatWireUrl(url), `${url.kind} needs ${what}`);
}

/** Who gives a key expects it to be used. */
function refuseClearText(url: WireUrl, tls: TlsOptions | undefined): void {
  if (tls === undefined || url.kind === "tls" || url.kind === "wss") return;
  throw new TypeError(`'${formatWireUrl(url)}' is not encrypted by tls: take tls: or wss:, or give no tls`);
}

/** The one peer there will ever be. */
function listenOnce(url: WireUrl, peer: Connection): Listener {
  let waiting: Connection | undefined = peer;
  return {
    url: formatWireUrl(url),
    accept() {
      const accepted = waiting;
      waiting = undefined;
      return Promise.resolve(accepted);
    },
    close: () => Promise.resolve(waiting?.destroy(new Error("the listener was closed before this peer was accepted"))),
  };
}
