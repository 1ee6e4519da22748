import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createMemoryDevice } from "@blkmig/device";
import { createNbdServer, listenNbd, openNbd, parseNbdUrl } from "@blkmig/nbd";

import { KiB, type MicroTask, MiB } from "./micro-task.ts";

const SIZE = 16 * MiB;
const REQUEST = 4 * KiB;
const [ALONE, TOGETHER] = [100, 32];

/** Requests of 4 KiB from our client to our server, in one process and over a unix socket, on a disk in memory. */
export async function nbdTasks(): Promise<{ readonly tasks: readonly MicroTask[] } & AsyncDisposable> {
  const device = createMemoryDevice({ size: SIZE, fill: 0x5a });
  const server = createNbdServer({ exports: () => [{ name: "vda", device }] });
  const socket = join(tmpdir(), `blkmig-micro-${randomUUID()}`);
  const url = parseNbdUrl(`nbd+unix:///vda?socket=${socket}`);
  const listener = await listenNbd(url, server);
  const disk = await openNbd(url, { connections: 1, reconnectFor: 0 });
  const buffers = Array.from({ length: TOGETHER }, () => new Uint8Array(REQUEST));

  const read = async (at: number): Promise<void> => disk.read(at * REQUEST, buffers[at % TOGETHER]!);
  const write = async (at: number): Promise<void> => disk.write(at * REQUEST, [buffers[at % TOGETHER]!]);
  return {
    tasks: [alone("read", read), together("read", read), alone("write", write), together("write", write)],
    async [Symbol.asyncDispose]() {
      await disk.close();
      await listener.close();
      await server.close("finish");
    },
  };
}

function alone(what: string, act: (at: number) => Promise<void>): MicroTask {
  const run = async (): Promise<void> => {
    for (let time = 0; time < ALONE; time++) await act(time);
  };
  return { name: `nbd: ${what} 4 KiB, one at a time`, bytes: REQUEST, times: ALONE, run };
}

function together(what: string, act: (at: number) => Promise<void>): MicroTask {
  const run = async (): Promise<void> => {
    await Promise.all(Array.from({ length: TOGETHER }, async (_, at) => act(at)));
  };
  return { name: `nbd: ${what} 4 KiB, ${TOGETHER} at a time`, bytes: REQUEST, times: TOGETHER, run };
}
