import { join } from "node:path";

import type { CopiedDisk, CopyProgram, CopyTask } from "./copy-program.ts";
import type { MeasuredRun, Told } from "./measured-run.ts";
import { type Address, freePort, untilItListens } from "./until-it-listens.ts";

/** A client that copies into a server that somebody else wrote, or the same people. */
interface Pair {
  readonly server: string;
  serve(address: Address, disk: CopiedDisk): readonly string[];
  readonly client: string;
  copy(url: string, disk: CopiedDisk): readonly string[];
}

const nbdcopy = (flags: readonly string[]): Pair => ({
  server: "nbdkit",
  serve(address, { target }) {
    const at = "path" in address ? ["--unix", address.path] : ["--ipaddr", "127.0.0.1", "--port", `${address.port}`];
    return ["--foreground", ...at, "file", target];
  },
  client: "nbdcopy",
  // The targets are new: blkmig sees that by itself.
  copy: (url, { source }) => ["--destination-is-zero", ...flags, source, url],
});

const qemuImg: Pair = {
  server: "qemu-nbd",
  serve(address, { target }) {
    const at = "path" in address ? [`--socket=${address.path}`] : ["--bind=127.0.0.1", `--port=${address.port}`];
    return ["--format=raw", "--persistent", ...at, target];
  },
  client: "qemu-img",
  copy: (url, { source }) => ["convert", "-n", "--target-is-zero", "-f", "raw", "-O", "raw", source, url],
};

/** nbdcopy into nbdkit, and qemu-img into qemu-nbd: one pair a disk, all at once. */
export const nbdPrograms: readonly CopyProgram[] = [
  programOf("nbdcopy tcp", nbdcopy([]), "tcp"),
  programOf("nbdcopy unix", nbdcopy([]), "unix"),
  // What blkmig always does. On a tmpfs it is nothing.
  { ...programOf("nbdcopy --flush tcp", nbdcopy(["--flush"]), "tcp"), takes: (_job, place) => place !== "tmpfs" },
  programOf("qemu-img convert tcp", qemuImg, "tcp"),
  programOf("qemu-img convert unix", qemuImg, "unix"),
];

function programOf(name: string, pair: Pair, wire: "tcp" | "unix"): CopyProgram {
  return {
    name,
    needs: [pair.server, pair.client],
    takes: () => true,
    copy: async (run, task) => copyByPair(run, task, pair, wire),
  };
}

async function copyByPair(run: MeasuredRun, task: CopyTask, pair: Pair, wire: "tcp" | "unix"): Promise<Told> {
  const served: { readonly disk: CopiedDisk; readonly url: string }[] = [];
  for (const disk of task.disks) {
    const address = wire === "tcp" ? { port: await freePort() } : { path: join(task.folder, `${disk.name}.sock`) };
    const server = await run.start("receiver", pair.server, pair.serve(address, disk));
    await untilItListens(address, () => server.process.exitCode !== null);
    served.push({ disk, url: urlOf(address) });
  }
  return run.timed(async () => {
    const clients = await Promise.all(
      served.map(async ({ disk, url }) => run.start("sender", pair.client, pair.copy(url, disk))),
    );
    await Promise.all(clients.map(async (client) => client.succeeded()));
    return wire === "tcp" ? { wireBytes: "loopback" } : {};
  });
}

const urlOf = (address: Address): string =>
  "path" in address ? `nbd+unix:///?socket=${address.path}` : `nbd://127.0.0.1:${address.port}`;
