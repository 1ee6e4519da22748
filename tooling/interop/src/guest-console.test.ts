import { expect, it } from "vitest";

import { consoleOf, gapsIn } from "./guest-console.ts";
import { createJournal } from "./journal.ts";

const saying = (lines: readonly string[], begun: string) => {
  const serial = createJournal<string>();
  for (const line of lines) serial.write(line);
  return { serial, begunLine: () => begun };
};

it("a line that was begun at one QEMU is finished at the next, or at the one after that", () => {
  const consoles = [saying(["record 1"], "rec"), saying([], "or"), saying(["d 2", "record 3"], "")];
  expect(consoleOf(consoles).entries).toEqual(["record 1", "record 2", "record 3"]);
});

it("a number that is left out, told twice, or first though it is not the first, is a gap", () => {
  expect(gapsIn([1, 2, 3])).toEqual([]);
  expect(gapsIn([2, 3, 5, 5])).toEqual(["2 follows 0", "5 follows 3", "5 follows 5"]);
});
