import { checkFiles, filesKept } from "./guest-files.ts";
import { checkRecords, recordsTold } from "./guest-records.ts";
import type { Journal } from "./journal.ts";

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
export async function lossesOf(serial: Journal<string>, images: GuestImages): Promise<readonly string[]> {
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
