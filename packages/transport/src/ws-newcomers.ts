import type { Server } from "node:http";
import type { Duplex } from "node:stream";

/** So many peers may be about to ask for the upgrade; more are hung up on, or strangers could take all our descriptors. */
const AT_ONCE = 64;

/** Peers of a WebSocket in clear text that have not become one. */
export interface WsNewcomers {
  /** This peer has become a WebSocket: its place is free. */
  enter(socket: Duplex): void;
}

/** Hangs up on whoever comes while all places are taken. */
export function limitNewcomers(http: Server): WsNewcomers {
  const inside = new Set<Duplex>();
  http.on("connection", (socket) => {
    if (inside.size >= AT_ONCE) {
      socket.destroy();
      return;
    }
    inside.add(socket);
    socket.once("close", () => inside.delete(socket));
  });
  return { enter: (socket) => void inside.delete(socket) };
}
