import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A wire of the demo that can be broken: what comes to its port is passed on, and what is answered passed back. */
export interface Relay {
  readonly url: string;
  /** Where to, from the next connection on. */
  passTo(url: string): void;
  /** Breaks what is connected now, as a cable that is pulled. */
  cut(): void;
  close(): void;
}

export async function createRelay(): Promise<Relay> {
  const sockets = new Set<Socket>();
  let there: URL | undefined;

  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {}); // broken on purpose, mostly; the other half learns it by its close
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    hold(near);
    if (!there) return void near.destroy();
    const far = connect({ host: there.hostname, port: Number(there.port), allowHalfOpen: true });
    hold(far);
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passTo(url) {
      there = new URL(url);
    },
    cut,
    close() {
      cut();
      server.close();
    },
  };
}
