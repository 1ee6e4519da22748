// The adapter for browsers, and whatever else has the standard `WebSocket`; nothing of Node.js (tsconfig.web.json holds it to that).
export type { Connection, Segments } from "./connection.ts";
export { TransportError, type TransportErrorCode } from "./transport-error.ts";
export { connectWeb, type WebConnectOptions } from "./web-connect.ts";
export { createWebConnection, type WebLimits } from "./web-connection.ts";
export type { WebSocketEvent, WebSocketShape } from "./web-socket-shape.ts";
