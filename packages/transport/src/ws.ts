export type { Connection, Listener } from "./connection.ts";
export { connectWs, type WsConnectOptions } from "./ws-connect.ts";
export { listenWs, type WsListenOptions } from "./ws-listen.ts";
export type { WsKeepAlive, WsLimits } from "./ws-limits.ts";
