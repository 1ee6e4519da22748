import { spawnSync } from "node:child_process";

import { type NbdDevice, openNbd, parseNbdUrl } from "@blkmig/nbd";
import { onTestFinished } from "vitest";

import {
  runBlkmig,
  type JsonEvent,
  type Running,
  startBlkmig,
  type StartOptions,
  temporaryFolder,
} from "./run-blkmig.test-kit.ts";

/** Whether libnbd's programs are there. */
export const hasLibnbd: boolean = spawnSync("nbdinfo", ["--version"]).status === 0;

/** A running `blkmig serve`, with NBD on a unix socket. */
export interface Served {
  readonly running: Running;
  /** The control socket. */
  readonly control: string;
  /** What NBD clients dial for a disk. */
  url(disk: string): string;
  /** A client of ours. It is closed when the test is over. */
  dial(disk: string): Promise<NbdDevice>;
  /** What `blkmig status` says of it. */
  status(): Promise<JsonEvent>;
}

export interface ServingOptions extends StartOptions {
  /** Paths by the disks' names. */
  readonly disks: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
}

export async function startServing({ disks, more = [], ...options }: ServingOptions): Promise<Served> {
  const path = temporaryFolder();
  const [control, socket] = [path("control"), path("nbd")];
  const where = ["--nbd", `nbd+unix:///?socket=${socket}`, "--control", control];
  const words = Object.entries(disks).flatMap(([name, disk]) => ["--disk", `${name}=${disk}`]);
  const running = startBlkmig(["serve", "--json", ...words, ...where, ...more], options);
  await running.until(({ event }) => event === "serving");
  const url = (disk: string): string => `nbd+unix:///${disk}?socket=${socket}`;
  return {
    running,
    control,
    url,
    async dial(disk) {
      const device = await openNbd(parseNbdUrl(url(disk)), { reconnectFor: 0 });
      onTestFinished(async () => device.close().catch(() => {})); // the server may have gone first
      return device;
    },
    async status() {
      const { events } = await runBlkmig(["status", "--json", "--control", control]);
      return events[0]!;
    },
  };
}
