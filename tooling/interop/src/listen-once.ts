import { createServer, type Socket } from "node:net";

/** A unix socket that takes one connection. */
export interface OneListener {
  /** Settles when somebody has connected. Throws if it is closed before. */
  readonly connected: Promise<Socket>;
  /** Waits no longer; a connection that was made goes on. */
  close(): void;
}

/** Listens for the QEMU that is told to connect here: so nobody has to try again and again until QEMU listens. */
export async function listenOnce(path: string): Promise<OneListener> {
  const server = createServer();
  const connected = new Promise<Socket>((resolve, reject) => {
    server.once("connection", (socket) => {
      server.close();
      resolve(socket);
    });
    server.once("close", () => reject(new Error(`nobody connected to ${path}`)));
  });
  // Who does not wait for it need not hear that nobody came.
  connected.catch(() => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return { connected, close: () => void server.close() };
}
