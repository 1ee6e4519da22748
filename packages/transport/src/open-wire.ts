import type { Connection, Listener } from "./connection.ts";
import type { SshOptions } from "./ssh-connect.ts";
import type { TlsOptions } from "./tls-options.ts";
import { TransportError } from "./transport-error.ts";
import { formatWireUrl } from "./wire-url-text.ts";
import type { WireUrl } from "./wire-url.ts";

export interface ConnectUrlOptions {
  /** Ends the attempt, not the connection. */
  readonly signal?: AbortSignal;
  /** For `tls:` and `wss:`, which need it; refused with every other kind of wire. */
  readonly tls?: TlsOptions;
  /** For `ssh:`, which needs it. */
  readonly ssh?: SshOptions;
}

export interface ListenUrlOptions {
  /** For WebSockets: origins whose pages may connect; none by default. */
  readonly allowOrigin?: readonly string[];
  /** For `tls:` and `wss:`, which need it; refused with every other kind of wire. */
  readonly tls?: TlsOptions;
  /** For TLS and WebSockets: a peer that is not ready in that time is dropped. Default 10 seconds. */
  readonly handshakeTimeoutMs?: number;
  /** For TLS: hears of each peer that was turned away, and why, in a sentence. */
  readonly onRefused?: (peer: string, why: string) => void;
}

/**
 * Dials; what a wire needs is loaded only now. A file is opened for writing: who dials, sends. Throws `TransportError`
 * `connect`, or whatever the wire of that kind throws.
 */
export async function connectUrl(url: WireUrl, options: ConnectUrlOptions = {}): Promise<Connection> {
  switch (url.kind) {
    case "tcp":
      return (await import("./tcp-wire.ts")).connectTcp({ ...url, ...options });
    case "unix":
      return (await import("./unix-wire.ts")).connectUnix({ ...url, ...options });
    case "ws":
      return (await import("./ws-connect.ts")).connectWs({ url: formatWireUrl(url), ...options });
    case "stdio":
      return (await import("./open-stdio.ts")).openStdio();
    case "file":
      return (await import("./write-stream-file.ts")).writeStreamFile(url.path);
    case "tls":
    case "wss":
    case "ssh":
      throw notBuilt("connect", url);
  }
}

/**
 * Listens; stdio and files are one peer that is there already, and a file is opened for reading: who listens, receives.
 * Throws `TransportError` `listen`, or whatever the wire of that kind throws.
 */
export async function listenUrl(url: WireUrl, options: ListenUrlOptions = {}): Promise<Listener> {
  switch (url.kind) {
    case "tcp":
      return (await import("./tcp-wire.ts")).listenTcp(url);
    case "unix":
      return (await import("./unix-wire.ts")).listenUnix(url);
    case "ws":
      return (await import("./ws-listen.ts")).listenWs({ ...url, ...options });
    case "stdio":
      return listenOnce(url, (await import("./open-stdio.ts")).openStdio());
    case "file":
      return listenOnce(url, await (await import("./read-stream-file.ts")).readStreamFile(url.path));
    case "tls":
    case "wss":
    case "ssh":
      throw notBuilt("listen", url);
  }
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

function notBuilt(code: "connect" | "listen", url: WireUrl): TransportError {
  return new TransportError(code, formatWireUrl(url), `${url.kind} is not built yet`);
}
