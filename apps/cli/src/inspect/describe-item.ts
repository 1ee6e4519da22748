import type { Fields } from "../output/json-lines.ts";
import { printable } from "../output/printable.ts";
import { atPosition } from "./at-position.ts";
import { describeEnvelope, describeEnvelopeItem, envelopeFields } from "./describe-envelope.ts";
import type { Item } from "./item.ts";
import type { Summary } from "./summary.ts";

/** A line for people: where in the stream, what, on which disk, where there. */
export function describeItem(item: Item): string {
  return atPosition(item.position, describeContent(item));
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
    case "header":
    case "configuration":
    case "command":
    case "section":
    case "section-end":
    case "empty-parts":
    case "opaque":
    case "devices":
      return describeEnvelopeItem(item);
  }
}

/** Lines for people. */
export function describeSummary(summary: Summary, bytes: number): readonly string[] {
  const { disks, sections, percent } = summary;
  const envelope = summary.envelope && describeEnvelope(summary.envelope);
  return [
    `${bytes} bytes, ${sections} ${envelope ? "block section(s) in QEMU's envelope" : "section(s)"}, last progress ${percent === undefined ? "none" : `${percent} %`}`,
    ...(envelope?.before ?? []),
    ...disks.map(
      ({ name, blocks, zeroBlocks, first, end }) =>
        `'${printable(name)}': ${blocks} block(s) of data, ${zeroBlocks} of zeroes, from ${first} to ${end}`,
    ),
    ...(envelope?.after ?? []),
    describeEnding(summary),
  ];
}

export function describeEnding({ ended, envelope }: Summary): string {
  if (envelope) return `the block section has ${ended ? "" : "not "}ended`;
  return ended
    ? "it ends as a complete stream does"
    : "it does not end as a complete stream does: progress 100 and an end of section are missing";
}

/** For scripts. */
export function summaryFields(summary: Summary, bytes: number): Fields {
  const { disks, sections, progress, percent, ended, envelope } = summary;
  return {
    transferred: bytes,
    sections,
    progress,
    percent,
    ended,
    disks: disks.map(({ name, blocks, zeroBlocks, first, end }) => {
      return { name, blocks, "zero-blocks": zeroBlocks, first, end };
    }),
    envelope: envelope && envelopeFields(envelope),
  };
}
