export type { Connection, Listener, Segments } from "./connection.ts";
export { type SecureOptions, secureConnection } from "./secure-connection.ts";
export { connectTls, type TlsConnectOptions } from "./tls-connect.ts";
export { listenTls, type TlsListenOptions } from "./tls-listen.ts";
export { assertTlsOptions, type PresharedKey, type TlsOptions } from "./tls-options.ts";
export { createToken, parseToken } from "./token.ts";
