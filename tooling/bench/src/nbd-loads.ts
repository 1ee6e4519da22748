import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { makeDisk } from "./make-disk.ts";

/** Something that a server is asked to do. */
export interface NbdLoad {
  readonly name: string;
  /** More is better. */
  run(url: string): Promise<number>;
  format(figure: number): string;
}

const run = promisify(execFile);
/** Bytes of a random load: enough for a second or so of the slowest server. */
const RANDOM_BYTES = 256 * 1024 * 1024;

/** nbdcopy out and in, and fio's 4 KiB random requests, 32 at a time. */
export function nbdLoads(folder: string, bytes: number): readonly NbdLoad[] {
  const other = makeDisk(join(folder, "other.img"), bytes);
  return [
    copyLoad("nbdcopy out", bytes, (url) => [url, "null:"]),
    copyLoad("nbdcopy in", bytes, (url) => [other, url]),
    randomLoad("4 KiB random reads, depth 32", "randread", folder),
    randomLoad("4 KiB random writes, depth 32", "randwrite", folder),
  ];
}

function copyLoad(name: string, bytes: number, words: (url: string) => string[]): NbdLoad {
  return {
    name,
    async run(url) {
      const began = performance.now();
      await run("nbdcopy", words(url));
      return bytes / ((performance.now() - began) / 1000);
    },
    format: (figure) => `${(figure / 1e9).toFixed(2)} GB/s`,
  };
}

function randomLoad(name: string, kind: "randread" | "randwrite", folder: string): NbdLoad {
  const report = join(folder, "fio.json"); // on standard output it is not the only thing
  return {
    name,
    async run(url) {
      const how = [`--rw=${kind}`, "--bs=4k", "--iodepth=32", `--io_size=${RANDOM_BYTES}`, "--randseed=1"];
      const words = ["--name=load", "--ioengine=nbd", `--uri=${url}`, ...how];
      await run("fio", [...words, "--output-format=json", `--output=${report}`]);
      const { jobs } = JSON.parse(readFileSync(report, "utf8")) as {
        jobs: [{ read: { iops: number }; write: { iops: number } }];
      };
      return jobs[0][kind === "randread" ? "read" : "write"].iops;
    },
    format: (figure) => `${(figure / 1000).toFixed(1)} k/s`,
  };
}
