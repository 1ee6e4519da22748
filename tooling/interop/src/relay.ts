import { once } from "node:events";
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from "node:net";

import { onTestFinished } from "vitest";

/** A wire that can be cut: what comes to its port is passed on, and what is answered passed back. */
export interface Relay {
  readonly port: number;
  /** How many connections were made. */
  readonly connections: number;
  /** Breaks what is connected now, as a cable that is pulled; who connects again is passed on again. */
  cut(): void;
  /** From now on nothing of what is answered comes back over what is connected now; nobody is told. */
  mute(): void;
  /** Breaks it, and nobody is listened to any more. */
  close(): void;
}

/** It is closed when the test is over. */
export async function startRelay(to: NetConnectOpts): Promise<Relay> {
  const links = new Map<Socket, Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    const far = connect(to);
    links.set(socket, far);
    socket.pipe(far).pipe(socket);
    // Broken on purpose, mostly; the other half learns it by its close.
    for (const each of [socket, far]) each.on("error", () => undefined);
    far.on("close", () => socket.destroy());
    socket.on("close", () => {
      links.delete(socket);
      far.destroy();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const cut = (): void => {
    for (const socket of links.keys()) socket.resetAndDestroy();
  };
  const mute = (): void => {
    for (const [socket, far] of links) far.unpipe(socket).resume();
  };
  const close = (): void => {
    server.close();
    cut();
  };
  onTestFinished(close);
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cut,
    mute,
    close,
  };
}
