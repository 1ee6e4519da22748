export type { Connection, Listener, Segments } from "./connection.ts";
export type { PresharedKey, TlsOptions } from "./tls-options.ts";
export { connectWs, type WsConnectOptions } from "./ws-connect.ts";
export { listenWs, type WsListenOptions } from "./ws-listen.ts";
export type { WsKeepAlive, WsLimits } from "./ws-limits.ts";
