import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** Where a program listens: a unix socket's path, or a TCP port of 127.0.0.1. */
export type Address = { readonly path: string } | { readonly port: number };

const LOOK_MS = 5;
const LISTENS = "0A";
const ACCEPTS = " 00010000 ";

/**
 * Waits until somebody listens there, by what Linux says: whoever takes one connection only must not lose it to a trial.
 * Throws if `hasEnded` says that nobody will.
 */
export async function untilItListens(address: Address, hasEnded: () => boolean): Promise<void> {
  while (!isListening(address)) {
    if (hasEnded()) throw new Error(`nobody listens at ${JSON.stringify(address)}: the program has ended`);
    await wait(LOOK_MS);
  }
}

/** A port that nobody listens at now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => void server.close(resolve));
  return port;
}

function isListening(address: Address): boolean {
  // The flag is of a socket that accepts connections, rather than one that has only its name.
  if ("path" in address)
    return linesOf("unix").some((line) => line.includes(ACCEPTS) && line.endsWith(` ${address.path}`));
  const ours = new RegExp(`:${address.port.toString(16).toUpperCase().padStart(4, "0")} [0-9A-F]+:0000 ${LISTENS} `);
  return ["tcp", "tcp6"].some((kind) => linesOf(kind).some((line) => ours.test(line)));
}

function linesOf(kind: string): readonly string[] {
  const path = `/proc/net/${kind}`;
  return existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
}
