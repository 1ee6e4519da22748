import fs from "node:fs";
import type { BigIntStats, StatsFs } from "node:fs";

import type { Segments } from "./block-device.ts";

/** An open file as the file system gives it: a read or a write may do less than it was asked. Offsets are bytes. */
export interface OpenFile {
  readonly fd: number;
  /** Fills some of `into` and says how much, perhaps at once; 0 at the file's end. Borrows until it settles. */
  read(into: Uint8Array, offset: number): Promise<number> | number;
  /** Writes some of the front of `data` and says how much, perhaps at once. Borrows until it settles. */
  write(data: Segments, offset: number): Promise<number> | number;
  /** What was written is on stable storage, or an error, which the kernel may tell only once. */
  sync(): Promise<void>;
  stat(): Promise<BigIntStats>;
  /** Linux's number for the kind of file system that it is on. Throws where that cannot be asked. */
  fileSystem(): Promise<number>;
  close(): Promise<void>;
}

/** `fs.read` counts in 32 bits. */
const LARGEST_READ = 2 ** 30;

/** Opens for reading, and for writing unless `readOnly`. Throws what `fs` throws. The file must not be a pipe: that would wait. */
export async function openFile(path: string, readOnly: boolean): Promise<OpenFile> {
  return overDescriptor(await asked<number>((done) => fs.open(path, readOnly ? "r" : "r+", done)));
}

function overDescriptor(fd: number): OpenFile {
  return {
    fd,
    read: async (into, offset) =>
      asked((done) => fs.read(fd, into, 0, Math.min(into.length, LARGEST_READ), offset, done)),
    write: async (data, offset) => asked((done) => fs.writev(fd, data, offset, done)),
    sync: async () => asked((done) => fs.fdatasync(fd, (error) => done(error, undefined))),
    stat: async () => asked((done) => fs.fstat(fd, { bigint: true }, done)),
    fileSystem: async () => (await asked<StatsFs>((done) => fs.statfs(`/proc/self/fd/${fd}`, done))).type,
    close: async () => asked((done) => fs.close(fd, (error) => done(error ?? null, undefined))),
  };
}

type Done<T> = (error: Error | null, result: T) => void;

async function asked<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}
