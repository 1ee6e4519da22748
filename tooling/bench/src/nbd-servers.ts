import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";

import { BLKMIG } from "./blkmig.ts";
import { untilItListens } from "./until-it-listens.ts";

/** An NBD server that can be started on a unix socket. */
export interface NbdServer {
  readonly name: string;
  start(): Promise<{ readonly url: string } & AsyncDisposable>;
}

/** nbdkit first: the others are compared with it. */
export function nbdServers(folder: string, disk: string): readonly NbdServer[] {
  const socket = join(folder, "nbd.sock");
  const url = `nbd+unix:///?socket=${socket}`;
  const served = (name: string, program: string, words: readonly string[]): NbdServer => ({
    name,
    start: async () => startServer(program, words, socket),
  });
  return [
    served("nbdkit", "nbdkit", ["--foreground", "--unix", socket, "file", disk]),
    served("qemu-nbd", "qemu-nbd", ["--persistent", "--shared=16", "--format=raw", `--socket=${socket}`, disk]),
    served("blkmig", process.execPath, [BLKMIG, "serve", "--disk", `vda=${disk}`, "--nbd", url]),
  ];
}

async function startServer(program: string, words: readonly string[], socket: string) {
  rmSync(socket, { force: true });
  const server = spawn(program, words, { stdio: "ignore" });
  await untilItListens({ path: socket }, () => server.exitCode !== null);
  return {
    url: `nbd+unix:///?socket=${socket}`,
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      if (server.exitCode === null) await once(server, "exit");
    },
  };
}
