export type { Connection, Listener, Segments } from "./connection.ts";
export { connectUrl, listenUrl, type ConnectUrlOptions, type ListenUrlOptions } from "./open-wire.ts";
export type { SshOptions } from "./ssh-connect.ts";
export type { PresharedKey, TlsOptions } from "./tls-options.ts";
export { formatWireUrl, isLocal } from "./wire-url-text.ts";
export { parseWireUrl, type WireUrl } from "./wire-url.ts";
