import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** So many peers may be about to ask for the upgrade; more are hung up on, or strangers could take all our descriptors. */
const AT_ONCE = 64;

export interface WsNewcomersOptions {
  readonly handshakeTimeoutMs: number;
  readonly toPeer: (host: string, port: number) => string;
  /** Hears of each peer that was turned away, and why, in a sentence. */
  readonly onRefused?: ((peer: string, why: string) => void) | undefined;
}

/** Peers of a WebSocket in clear text that have not become one. */
export interface WsNewcomers {
  /** This peer has become a WebSocket: its place is free. */
  enter(socket: Duplex): void;
}

/** A place that is wanted is that of whoever has it longest: who means well asks at once. */
export function limitNewcomers(
  http: Server,
  { handshakeTimeoutMs, toPeer, onRefused }: WsNewcomersOptions,
): WsNewcomers {
  const inside = new Map<Duplex, () => void>();
  const leaves = new WeakMap<Duplex, () => void>();
  const refuse = (socket: Socket, why: string): void => {
    const { remoteAddress = "", remotePort = 0 } = socket;
    socket.destroy();
    onRefused?.(toPeer(remoteAddress, remotePort), why);
  };
  http.on("connection", (socket) => {
    const [longest] = inside.values();
    if (inside.size >= AT_ONCE) longest?.();
    const leave = (): void => {
      clearTimeout(timer);
      inside.delete(socket);
    };
    const drop = (why: string): void => {
      leave();
      refuse(socket, why);
    };
    const late = `it had not asked for the upgrade within ${handshakeTimeoutMs} ms`;
    const timer = setTimeout(() => drop(late), handshakeTimeoutMs);
    inside.set(socket, () => drop(`it had not asked for the upgrade when ${AT_ONCE} others had come after it`));
    leaves.set(socket, leave);
    socket.once("close", leave);
  });
  return { enter: (socket) => leaves.get(socket)?.() };
}
