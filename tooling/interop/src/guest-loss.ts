import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { promisify } from "node:util";

import { checkFiles, filesKept, filesTold } from "./guest-files.ts";
import { checkRecords, recordsTold } from "./guest-records.ts";
import type { Entries } from "./journal.ts";

const E2FSCK = "/sbin/e2fsck";
/** Its exit code for "the journal was replayed, and that was all that an automaton may do". */
const REPLAYED = 1;

type ExecError = Error & { readonly code: number; readonly stdout: string };

/** The images of a live guest's disks. */
export interface GuestImages {
  readonly records: string;
  readonly files: string;
  /** What `makeFileSystem()` made, and the files' disk began as. Default: `files` itself. */
  readonly origin?: string;
}

/**
 * What is wrong with the disks of a guest that has stopped, judged by what it has said on its console; empty if nothing is:
 * each record and file that it called durable is there, and nothing else; the file system is clean.
 */
export async function lossesOf(serial: Entries<string>, images: GuestImages): Promise<readonly string[]> {
  const told = recordsTold(serial).at(-1) ?? 0;
  const records = await checkRecords(images.records);
  const files = await checkFiles(images.files, images.origin ?? images.files);
  const kept = filesKept(serial);
  return [
    ...records.missing.map((number) => `record ${number} is missing`),
    ...records.corrupt.map((slot) => `the record in slot ${slot} is corrupt`),
    ...(records.newest === told ? [] : [`the newest record is ${records.newest}, and ${told} was told`]),
    ...kept.filter((number) => !files.intact.includes(number)).map((number) => `file ${number} is missing`),
    ...files.intact.filter((number) => !kept.includes(number)).map((number) => `file ${number} should be gone`),
    ...files.corrupt.map((name) => `the file ${name} is corrupt`),
    ...(files.faults === "" ? [] : [files.faults]),
  ];
}

/**
 * The same of a guest that stands still amid its work: each record and file that it called durable is there, and of records at
 * most one more; the file system is clean when its journal has been replayed, in a copy.
 */
export async function lossesAtPause(serial: Entries<string>, images: GuestImages): Promise<readonly string[]> {
  const told = recordsTold(serial).at(-1) ?? 0;
  const records = await checkRecords(images.records);
  const replayed = `${images.files}.replayed`;
  await copyFile(images.files, replayed);
  const replay = await promisify(execFile)(E2FSCK, ["-fp", replayed]).catch((error: unknown) => error as ExecError);
  const files = await checkFiles(replayed, images.origin ?? images.files);
  // Who was told that the next file is durable sees the oldest one gone, and is stopped between the two.
  const kept = filesTold(serial).slice(-15);
  return [
    ...records.missing.map((number) => `record ${number} is missing`),
    ...records.corrupt.map((slot) => `the record in slot ${slot} is corrupt`),
    ...([told, told + 1].includes(records.newest)
      ? []
      : [`the newest record is ${records.newest}, and ${told} was told`]),
    ...kept.filter((number) => !files.intact.includes(number)).map((number) => `file ${number} is missing`),
    ...files.corrupt.filter((name) => !name.startsWith("new/")).map((name) => `the file ${name} is corrupt`),
    ...("code" in replay && replay.code !== REPLAYED ? [`e2fsck ended with ${replay.code}: ${replay.stdout}`] : []),
    ...(files.faults === "" ? [] : [files.faults]),
  ];
}
