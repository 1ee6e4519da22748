import type { Entries } from "./journal.ts";
import type { Qemu } from "./qemu.ts";

/** All that a guest has said that has moved from one QEMU to the next, in order; of the line that it was amid, both halves. */
export function consoleOf(qemus: readonly Pick<Qemu, "serial" | "begunLine">[]): Entries<string> {
  const entries: string[] = [];
  let begun = "";
  for (const { serial, begunLine } of qemus) {
    const [first, ...more] = serial.entries;
    if (first !== undefined) entries.push(begun + first, ...more);
    begun = first === undefined ? begun + begunLine() : begunLine();
  }
  return { entries };
}

/** Where what was told one by one does not go on with the next number, from 1 on. */
export function gapsIn(numbers: readonly number[]): readonly string[] {
  return numbers.flatMap((number, index) => {
    const last = index === 0 ? 0 : numbers[index - 1]!;
    return number === last + 1 ? [] : [`${number} follows ${last}`];
  });
}
