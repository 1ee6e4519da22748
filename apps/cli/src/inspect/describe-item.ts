import type { Fields } from "../output/json-lines.ts";
import { printable } from "../output/printable.ts";
import type { Item } from "./join-frames.ts";
import type { Summary } from "./summary.ts";

const POSITION_WIDTH = 14;

/** A line for people: where in the stream, what, on which disk, where there. */
export function describeItem(item: Item): string {
  return `${String(item.position).padStart(POSITION_WIDTH)}  ${describeContent(item)}`;
}

function describeContent(item: Item): string {
  switch (item.type) {
    case "block":
      return `block     '${printable(item.device)}' ${item.offset}`;
    case "zero":
      return `zero      '${printable(item.device)}' ${item.offset}${item.blocks > 1 ? ` (${item.blocks} blocks)` : ""}`;
    case "progress":
      return `progress  ${item.percent} %`;
    case "eos":
      return "end of section";
  }
}

/** Lines for people. */
export function describeSummary(summary: Summary, bytes: number): readonly string[] {
  const { disks, sections, percent, ended } = summary;
  return [
    `${bytes} bytes, ${sections} section(s), last progress ${percent === undefined ? "none" : `${percent} %`}`,
    ...disks.map(
      ({ name, blocks, zeroBlocks, first, end }) =>
        `'${printable(name)}': ${blocks} block(s) of data, ${zeroBlocks} of zeroes, from ${first} to ${end}`,
    ),
    describeEnding(ended),
  ];
}

export function describeEnding(ended: boolean): string {
  return ended
    ? "it ends as a complete stream does"
    : "it does not end as a complete stream does: progress 100 and an end of section are missing";
}

/** For scripts. */
export function summaryFields({ disks, sections, progress, percent, ended }: Summary, bytes: number): Fields {
  return {
    transferred: bytes,
    sections,
    progress,
    percent,
    ended,
    disks: disks.map(({ name, blocks, zeroBlocks, first, end }) => {
      return { name, blocks, "zero-blocks": zeroBlocks, first, end };
    }),
  };
}
