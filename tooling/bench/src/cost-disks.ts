import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createMemoryDevice, openDisk } from "@blkmig/device";
import { createNbdServer, listenNbd, openNbd, parseNbdUrl } from "@blkmig/nbd";

import type { CostJob } from "./cost-job.ts";
import { KiB, MiB } from "./micro-task.ts";
import { withFolder } from "./with-folder.ts";

const SIZE = 16 * MiB;
const [FEW, MANY] = [32, 256];

/** Disks asked for one thing at a time: a file, and our NBD client and server in one process, over a unix socket. */
export function diskCosts(): readonly CostJob[] {
  return [
    fileJob("read 1 MiB", FEW, MiB, "read"),
    fileJob("write 1 MiB", FEW, MiB, "write"),
    fileJob("read 4 KiB", MANY, 4 * KiB, "read"),
    fileJob("write 4 KiB", MANY, 4 * KiB, "write"),
    nbdJob(),
  ];
}

function fileJob(what: string, blocks: number, length: number, how: "read" | "write"): CostJob {
  return {
    name: `file: ${what}`,
    blocks,
    async open() {
      const buffer = new Uint8Array(length);
      const segments = [buffer];
      // It has lost its name before it is used: there is nothing left to remove if this process is stopped.
      const disk = await withFolder(tmpdir(), async (folder) => {
        const path = join(folder, "disk");
        await writeFile(path, new Uint8Array(SIZE).fill(0x5a));
        return openDisk(path);
      });
      const act = async (offset: number): Promise<void> =>
        how === "read" ? disk.read(offset, buffer) : disk.write(offset, segments);
      return {
        async run(times) {
          for (let time = 0; time < times; time++) await act((time * length) % SIZE);
        },
        [Symbol.asyncDispose]: async () => disk.close(),
      };
    },
  };
}

function nbdJob(): CostJob {
  return {
    name: "nbd: read 4 KiB",
    blocks: MANY,
    async open() {
      const device = createMemoryDevice({ size: SIZE, fill: 0x5a });
      const server = createNbdServer({ exports: () => [{ name: "vda", device }] });
      const url = parseNbdUrl(`nbd+unix:///vda?socket=${join(tmpdir(), `blkmig-cost-${randomUUID()}`)}`);
      const listener = await listenNbd(url, server);
      const disk = await openNbd(url, { connections: 1, reconnectFor: 0 });
      const buffer = new Uint8Array(4 * KiB);
      return {
        async run(times) {
          for (let time = 0; time < times; time++) await disk.read((time * buffer.length) % SIZE, buffer);
        },
        async [Symbol.asyncDispose]() {
          await disk.close();
          await listener.close();
          await server.close("finish");
        },
      };
    },
  };
}
