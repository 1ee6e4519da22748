import { readdirSync } from "node:fs";
import { createConnection, type NetConnectOpts, type Socket } from "node:net";

import { onTestFinished } from "vitest";

/** How many attackers there are at once. */
export const ATTACKERS: number = Number(process.env["BLKMIG_SIEGE"] ?? 200);

/** So soon an attacker that was hung up on is back. Milliseconds. */
const BACK_AFTER_MS = 100;
const DRIP_EVERY_MS = 50;
/** One address has ports for so many connections. */
const OF_ONE_ADDRESS = 5000;
const GARBAGE: Buffer = Buffer.alloc(16 * 1024, 0xa7);

/** Attackers at a door, of every kind at once, each of whom comes again when it is hung up on. */
export interface Siege {
  /** Most of them that were connected at once. */
  readonly most: number;
  /** How often somebody was connected, in all. */
  readonly connections: number;
  /** Settles when all have been connected once, or hung up on. */
  readonly there: Promise<void>;
  lift(): void;
}

type Attack = (socket: Socket, at: number) => void;

const silence: Attack = () => {};
const oneByte: Attack = (socket) => void socket.write("\x89");
const comeAndGo: Attack = (socket) => void socket.destroy();

const drip: Attack = (socket) => {
  const timer = setInterval(() => socket.write("G"), DRIP_EVERY_MS);
  socket.on("close", () => clearInterval(timer));
};

const babble: Attack = (socket) => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(GARBAGE));
  };
  socket.on("drain", more);
  more();
};

/** Besieges a door until the test is over. `oversized` is what the attackers of that door say who lie about sizes. */
export function besiegeDoor(url: string, oversized: readonly Uint8Array[]): Siege {
  const lie: Attack = (socket, at) => void socket.write(oversized[at % oversized.length]!);
  const attacks = [silence, oneByte, drip, babble, comeAndGo, lie];
  const sockets = new Set<Socket>();
  let [most, connections, waiting, isOver] = [0, 0, ATTACKERS, false];
  let onThere: (() => void) | undefined;
  const there = new Promise<void>((resolve) => {
    onThere = resolve;
  });

  const attack = (at: number, isFirst: boolean): void => {
    if (isOver) return;
    const socket = createConnection(addressOf(url, at));
    let isCounted = !isFirst;
    const count = (): void => {
      if (!isCounted && --waiting === 0) onThere?.();
      isCounted = true;
    };
    sockets.add(socket);
    socket.on("error", () => {}); // it is hung up on
    socket.on("connect", () => {
      connections++;
      most = Math.max(most, sockets.size);
      count();
      attacks[at % attacks.length]!(socket, connections);
    });
    socket.on("close", () => {
      count();
      sockets.delete(socket);
      setTimeout(attack, BACK_AFTER_MS, at, false).unref();
    });
    socket.resume();
  };
  for (let at = 0; at < ATTACKERS; at++) attack(at, true);

  const lift = (): void => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(lift);
  return {
    get most() {
      return most;
    },
    get connections() {
      return connections;
    },
    there,
    lift,
  };
}

function addressOf(text: string, at: number): NetConnectOpts {
  const url = new URL(text);
  const path = url.searchParams.get("socket") ?? url.pathname;
  if (url.hostname === "") return { path };
  const localAddress = `127.0.0.${2 + Math.floor(at / OF_ONE_ADDRESS)}`;
  return { host: url.hostname, port: Number(url.port), localAddress };
}

/** How many descriptors a process has. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
