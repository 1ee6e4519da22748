import type { RamPages } from "@blkmig/protocol";

import type { Fields } from "../output/json-lines.ts";
import { printable } from "../output/printable.ts";
import type { EnvelopeSummary } from "./envelope-summary.ts";
import type { Device, EmptyParts, EnvelopeItem } from "./item.ts";

/** What an item of an envelope is, for people. */
export function describeEnvelopeItem(item: EnvelopeItem): string {
  switch (item.type) {
    case "header":
      return "header    QEMU's envelope, version 3";
    case "configuration":
      return `machine   '${printable(item.machine)}'`;
    case "command":
      return `command   ${item.command}${item.command === "ping" ? ` ${item.value}` : ""}`;
    case "section": {
      const { kind, id, name, instance, version } = item;
      return `section   ${kind} ${id} '${printable(name)}' instance ${instance} version ${version}`;
    }
    case "section-end":
      return `pages     '${printable(item.name)}' ${item.pages ? describePages(item.pages) : ""}`;
    case "empty-parts":
      return `section   part, empty: ${describeEmpty(item)}`;
    case "opaque":
      return `opaque    ${item.bytes} bytes of the machine`;
    case "devices":
      return `devices   ${describeDevices(item.devices)}`;
  }
}

/** Lines for people: what comes before the disks, and what behind them. */
export function describeEnvelope(envelope: EnvelopeSummary): { before: readonly string[]; after: readonly string[] } {
  const { machine, commands, sections, pages, opaque, devices } = envelope;
  return {
    before: [
      machine === undefined ? "no configuration" : `machine '${printable(machine)}'`,
      `commands: ${commands.openReturnPath} open-return-path, ${commands.ping} ping`,
      ...sections.map(({ name, kind, count }) => `section '${printable(name)}' ${kind}: ${count}`),
    ],
    after: [
      `pages: ${describePages(pages)}`,
      `opaque: ${opaque} bytes of the machine`,
      `devices: ${describeDevices(devices)}`,
    ],
  };
}

/** For scripts. */
export function envelopeFields(envelope: EnvelopeSummary): Fields {
  const { machine, commands, sections, pages, opaque, devices } = envelope;
  return {
    machine,
    commands: { "open-return-path": commands.openReturnPath, ping: commands.ping },
    sections,
    pages,
    "opaque-bytes": opaque,
    devices,
  };
}

function describePages({ zero, plain, xbzrle, compressed }: RamPages): string {
  return `${zero} zero, ${plain} plain, ${xbzrle} xbzrle, ${compressed} compressed`;
}

function describeEmpty({ block, ram }: EmptyParts): string {
  const counts = [block > 0 ? `${block} 'block'` : "", ram > 0 ? `${ram} 'ram'` : ""];
  return counts.filter((count) => count !== "").join(", ");
}

function describeDevices(devices: readonly Device[] | undefined): string {
  if (!devices) return "unknown: the stream does not end with a description of the machine";
  if (devices.length === 0) return "none";
  return devices.map(({ name, instance }) => `'${printable(name)}' ${instance}`).join(", ");
}
