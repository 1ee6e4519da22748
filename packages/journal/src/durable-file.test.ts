import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { afterCrash, createCrashingFiles, dieEverywhere } from "./crashing-files.test-kit.ts";
import { LARGEST_FILE, readWhole, removeDurably, writeDurably } from "./durable-file.ts";
import { type JournalFiles, machineFiles } from "./journal-files.ts";

const OLD = new TextEncoder().encode("what was there before");
const NEW = new TextEncoder().encode("and what is there now, which is longer");
const PATH = "/disks/vda.blkmig";

async function withOld() {
  const files = createCrashingFiles();
  await writeDurably(files, PATH, OLD);
  return files;
}

describe("a crash at any moment", () => {
  test("of a write leaves all of the old bytes or all of the new ones", async () => {
    const found = new Set<string>();
    await dieEverywhere(
      withOld,
      async (files) => writeDurably(files, PATH, NEW),
      async (files) => void found.add(new TextDecoder().decode(await readWhole(files, PATH))),
    );
    expect(found).toEqual(new Set([new TextDecoder().decode(OLD), new TextDecoder().decode(NEW)]));
  });

  test("after a write has settled leaves the new bytes", async () => {
    const files = await withOld();
    await writeDurably(files, PATH, NEW);
    for (const found of afterCrash(files)) expect(await readWhole(found, PATH)).toEqual(NEW);
  });

  test("after a removal has settled leaves nothing", async () => {
    const files = await withOld();
    await removeDurably(files, PATH);
    for (const found of afterCrash(files)) expect(await readWhole(found, PATH)).toBeUndefined();
  });
});

async function machineFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "blkmig-"));
  onTestFinished(async () => rm(folder, { recursive: true }));
  return folder;
}

const kinds: readonly (readonly [string, () => Promise<{ files: JournalFiles; folder: string }>])[] = [
  ["this machine's files", async () => ({ files: machineFiles, folder: await machineFolder() })],
  ["the files of the crash tests", async () => ({ files: createCrashingFiles(), folder: "/disks" })],
];

describe.each(kinds)("%s", (_, open) => {
  test("are replaced, read and removed", async () => {
    const { files, folder } = await open();
    const path = join(folder, "made/on/the/way/vda.blkmig");
    expect(await readWhole(files, path)).toBeUndefined();
    await writeDurably(files, path, OLD);
    await writeDurably(files, path, NEW);
    expect(await readWhole(files, path)).toEqual(NEW);
    await removeDurably(files, path);
    await removeDurably(files, path);
    expect(await readWhole(files, path)).toBeUndefined();
  });

  test("of more than 1 MiB are none of ours", async () => {
    const { files, folder } = await open();
    const path = join(folder, "vda.blkmig");
    await writeDurably(files, path, new Uint8Array(LARGEST_FILE));
    expect((await readWhole(files, path))?.length).toBe(LARGEST_FILE);
    await writeDurably(files, path, new Uint8Array(LARGEST_FILE + 1));
    await expect(readWhole(files, path)).rejects.toMatchObject({ name: "JournalError", code: "damaged", path });
  });
});

test("a folder that is made, and a file in it, are their owner's alone", async () => {
  const folder = await machineFolder();
  await writeDurably(machineFiles, join(folder, "state/blkmig/a"), OLD);
  expect((await stat(join(folder, "state/blkmig"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, "state/blkmig/a"))).mode & 0o777).toBe(0o600);
});

test("what a crash left behind is replaced, and a link laid there is not followed", async () => {
  const folder = await machineFolder();
  const path = join(folder, "vda.blkmig");
  await writeFile(join(folder, "victim"), OLD);
  await symlink(join(folder, "victim"), `${path}.new`);
  await writeDurably(machineFiles, path, NEW);
  expect(new Uint8Array(await readFile(join(folder, "victim")))).toEqual(OLD);
  expect((await readdir(folder)).toSorted()).toEqual(["vda.blkmig", "victim"]);
});

test("what a full disk took only half of is removed again", async () => {
  const folder = await machineFolder();
  const path = join(folder, "vda.blkmig");
  await writeDurably(machineFiles, path, OLD);
  const full: JournalFiles = {
    ...machineFiles,
    async create(at, bytes) {
      await machineFiles.create(at, bytes.subarray(0, 7));
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    },
  };
  await expect(writeDurably(full, path, NEW)).rejects.toMatchObject({
    code: "io",
    message: expect.stringContaining("ENOSPC"),
  });
  expect(await readdir(folder)).toEqual(["vda.blkmig"]);
  expect(await readWhole(machineFiles, path)).toEqual(OLD);
});

test("a place where nothing can be written is named", async () => {
  const folder = await machineFolder();
  await writeFile(join(folder, "file"), OLD);
  const path = join(folder, "file/vda.blkmig");
  const refusal = { code: "io", path, message: expect.stringContaining(`${path}: it could not be written durably: `) };
  await expect(writeDurably(machineFiles, path, NEW)).rejects.toMatchObject(refusal);
});
