export type { Connection, Listener, Segments } from "./connection.ts";
export { TransportError, type TransportErrorCode } from "./transport-error.ts";
