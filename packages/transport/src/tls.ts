export type { Connection, Listener } from "./connection.ts";
export { createToken, parseToken } from "./token.ts";
export type { TlsOptions } from "./tls-options.ts";
