import { expect, test } from "vitest";

import { withOneWriter } from "./one-writer.ts";
import type { OpenFile } from "./open-file.ts";

/** A file whose writes end when they are told to, and that knows which have begun. */
function slowFile() {
  const begun: number[] = [];
  const ends: ((how: number | Error) => void)[] = [];
  const file: OpenFile = {
    fd: -1,
    read: () => 0,
    write: async (_data, offset) => {
      begun.push(offset);
      return new Promise((resolve, reject) => {
        ends.push((how) => (typeof how === "number" ? resolve(how) : reject(how)));
      });
    },
    sync: async () => {},
    stat: async () => Promise.reject(new Error("nobody asks")),
    fileSystem: async () => 0,
    close: async () => {},
  };
  return { file, begun, end: (nth: number, how: number | Error) => ends[nth]!(how) };
}

const bytes = [new Uint8Array(128 * 1024)];
const turns = async (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("long writes go one at a time, in the order in which they came, and each gets its own answer", async () => {
  const { file, begun, end } = slowFile();
  const { write } = withOneWriter(file);
  const written = [write(bytes, 0), write(bytes, 1), write(bytes, 2)];
  await turns();
  expect(begun).toEqual([0]);
  end(0, 10);
  await turns();
  expect(begun).toEqual([0, 1]);
  end(1, 11);
  await turns();
  end(2, 12);
  expect(await Promise.all(written)).toEqual([10, 11, 12]);
  const later = write(bytes, 3);
  expect(begun, "nobody writes, so it begins at once").toEqual([0, 1, 2, 3]);
  end(3, 13);
  expect(await later).toBe(13);
});

test("a write that fails fails alone", async () => {
  const { file, begun, end } = slowFile();
  const { write } = withOneWriter(file);
  const written = [write(bytes, 0), write(bytes, 1)];
  end(0, new Error("no space"));
  await expect(written[0]).rejects.toThrow("no space");
  await turns();
  expect(begun).toEqual([0, 1]);
  end(1, 5);
  expect(await written[1]).toBe(5);
});

test("a short write waits for nobody", async () => {
  const { file, begun, end } = slowFile();
  const { write } = withOneWriter(file);
  const written = [write(bytes, 0), write([new Uint8Array(4096)], 1), write([new Uint8Array(4096)], 2)];
  expect(begun).toEqual([0, 1, 2]);
  for (const nth of [2, 1, 0]) end(nth, nth);
  expect(await Promise.all(written)).toEqual([0, 1, 2]);
});
