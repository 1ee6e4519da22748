import type { SeededRandom } from "@blkmig/testkit";

import type { Input } from "../input.ts";

const CONTINUE = 0x20;
const BLOCKS = ["pc.ram", "0000:00:02.0/vga.vram", "", "/rom@etc/acpi/tables"] as const;

/** The body of a ram section with so many words before its end. */
export function writeRamBody(input: Input, random: SeededRandom, words: number): void {
  if (random.int(4) === 0) writeMemory(input, random);
  for (let left = words; left > 0; left--) writePage(input, random);
  input.u64(0x10);
}

/** The list of memory blocks. */
function writeMemory(input: Input, random: SeededRandom): void {
  const sizes = Array.from({ length: random.int(4) }, () => random.int(9) * 4096);
  input.u64(sizes.reduce((sum, size) => sum + size, random.int(12) === 0 ? 4096 : 0) + 0x04);
  for (const size of sizes) input.name(random.pick(BLOCKS)).u64(size);
}

function writePage(input: Input, random: SeededRandom): void {
  const kind = random.int(40); // few of the kinds that are long: they take most of the time
  const goesOn = random.int(3) > 0 ? CONTINUE : 0;
  const flags =
    kind === 0
      ? random.int(4096)
      : kind < 18
        ? 0x02
        : kind < 19 && random.int(8) === 0
          ? 0x08
          : kind < 32
            ? 0x40
            : 0x100;
  input.u64(random.int(2 ** 20) * 4096 + (flags | goesOn));
  if (goesOn === 0) input.name(random.pick(BLOCKS));
  if (flags === 0x02) input.u8(0);
  if (flags === 0x08) input.fill(0xa5, 4096);
  const length = random.int(300) === 0 ? 9000 : random.int(60);
  if (flags === 0x40) input.u8(random.int(30) === 0 ? 2 : 1).u16(length);
  if (flags === 0x100) input.u32(length);
  if (flags === 0x40 || flags === 0x100) input.fill(0x5a, length);
}
