export type { Connection, Listener, Segments } from "./connection.ts";
export type { SocketReading } from "./socket-reader.ts";
export { connectTcp, listenTcp, type TcpConnectOptions, type TcpListenOptions } from "./tcp-wire.ts";
export { connectUnix, listenUnix, type UnixConnectOptions, type UnixListenOptions } from "./unix-wire.ts";
