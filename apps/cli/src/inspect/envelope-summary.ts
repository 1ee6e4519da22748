import type { EnvelopeSectionKind, RamPages } from "@blkmig/protocol";

import type { Device, Item } from "./item.ts";

/** What an envelope holds beside its blocks, counted. */
export interface EnvelopeSummary {
  /** Undefined where it has no configuration. */
  readonly machine: string | undefined;
  readonly commands: { readonly openReturnPath: number; readonly ping: number };
  readonly sections: readonly SectionCount[];
  readonly pages: RamPages;
  /** Bytes behind the last section that is parsed. */
  readonly opaque: number;
  /** Undefined where no description ends the stream. */
  readonly devices: readonly Device[] | undefined;
  /** Whether the block section has ended. Whether every block is there it does not say. */
  readonly ended: boolean;
}

interface SectionCount {
  readonly name: string;
  readonly kind: EnvelopeSectionKind;
  readonly count: number;
}

const EMPTY: EnvelopeSummary = {
  machine: undefined,
  commands: { openReturnPath: 0, ping: 0 },
  sections: [],
  pages: { zero: 0, plain: 0, xbzrle: 0, compressed: 0 },
  opaque: 0,
  devices: undefined,
  ended: false,
};

/** Counts the items of an envelope; `result()` at any time, undefined where there is no envelope. */
export function createEnvelopeSummary(): { add(item: Item): void; result(): EnvelopeSummary | undefined } {
  let all: EnvelopeSummary | undefined;
  let ending = false; // the last section is the block section's last
  const sections = new Map<string, SectionCount>();

  const addSections = (name: string, kind: EnvelopeSectionKind, count: number): void => {
    if (count === 0) return;
    const key = `${kind} ${name}`;
    sections.set(key, { name, kind, count: count + (sections.get(key)?.count ?? 0) });
  };
  const add = (item: Item, before: EnvelopeSummary): EnvelopeSummary => {
    switch (item.type) {
      case "configuration":
        return { ...before, machine: item.machine };
      case "command":
        return { ...before, commands: withCommand(before.commands, item.command) };
      case "section":
        ending = item.name === "block" && (item.kind === "end" || item.kind === "full");
        addSections(item.name, item.kind, 1);
        return before;
      case "empty-parts":
        addSections("block", "part", item.block);
        addSections("ram", "part", item.ram);
        return before;
      case "section-end":
        return item.pages ? { ...before, pages: plus(before.pages, item.pages) } : before;
      case "eos":
        return ending ? { ...before, ended: true } : before;
      case "opaque":
        return { ...before, opaque: item.bytes };
      case "devices":
        return { ...before, devices: item.devices };
      case "header":
      case "block":
      case "zero":
      case "progress":
        return before;
    }
  };

  return {
    add(item) {
      if (item.type === "header") all = EMPTY;
      else if (all) all = add(item, all);
    },
    result: () => all && { ...all, sections: [...sections.values()] },
  };
}

function withCommand(
  { openReturnPath, ping }: EnvelopeSummary["commands"],
  command: "open-return-path" | "ping",
): EnvelopeSummary["commands"] {
  return command === "ping" ? { openReturnPath, ping: ping + 1 } : { openReturnPath: openReturnPath + 1, ping };
}

function plus(a: RamPages, b: RamPages): RamPages {
  return {
    zero: a.zero + b.zero,
    plain: a.plain + b.plain,
    xbzrle: a.xbzrle + b.xbzrle,
    compressed: a.compressed + b.compressed,
  };
}
