import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import type { BlockDevice, Clock } from "@blkmig/device";
import type { SourceWire } from "@blkmig/source";

/** Both ends of a wire read. */
export type CostWire = Required<SourceWire>;

/** Of the rooms that the program joins, what is used here. */
export interface CostRooms {
  load(options: {
    readonly disks: readonly { readonly name: string; readonly device: BlockDevice }[];
    readonly wire: CostWire;
  }): Promise<unknown>;
  createSinkSession(options: { open(): Promise<unknown>; readonly clock: Clock }): {
    take(wire: CostWire): Promise<unknown>;
    readonly ended: Promise<unknown>;
  };
  memoryPair(): [CostWire, CostWire];
  connectUnix(options: { readonly path: string }): Promise<CostWire>;
  listenUnix(options: { readonly path: string }): Promise<{
    accept(): Promise<CostWire | undefined>;
    close(): Promise<void>;
  }>;
}

/** The sink and the wires, as the program finds them: the bench depends on the program, and on neither of them by itself. */
export async function openCostRooms(): Promise<CostRooms> {
  const ofTheProgram = createRequire(createRequire(import.meta.url).resolve("blkmig/package.json"));
  const names = ["@blkmig/sink", "@blkmig/transport/memory", "@blkmig/transport/tcp"];
  const rooms = await Promise.all(names.map(async (name) => import(pathToFileURL(ofTheProgram.resolve(name)).href)));
  return Object.assign({}, ...rooms) as CostRooms;
}
