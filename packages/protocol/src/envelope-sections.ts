import type { EnvelopeSectionKind } from "./envelope-frame.ts";
import { ProtocolError } from "./protocol-error.ts";

/** A section as its start said. */
export interface Section {
  readonly id: number;
  readonly name: string;
  readonly instance: number;
  readonly version: number;
}

const BLOCK_VERSION = 1;
const RAM_VERSION = 4;

/** Which sections have started and not ended. It knows "block" and "ram", once each, and refuses all others. */
export class Sections {
  readonly #open = new Map<number, Section>();
  readonly #seen = new Set<string>();

  /** Whether the block section has had its end. */
  get blockEnded(): boolean {
    return this.#seen.has("block") && !this.#isOpen("block");
  }

  /** Whether every section that has started has ended, and the block section is one of them. */
  get allEnded(): boolean {
    return this.#seen.has("block") && this.#open.size === 0;
  }

  /** Refuses what cannot be followed. Throws `ProtocolError`. */
  start(section: Section, kind: EnvelopeSectionKind, position: number): void {
    const { id, name, version } = section;
    this.#assertKnown(section, kind, position);
    if (this.#open.has(id) || this.#seen.has(name)) {
      throw new ProtocolError("bad-section", `section ${id} "${name}" starts a second time`, position);
    }
    const known = name === "block" ? BLOCK_VERSION : RAM_VERSION;
    if (version !== known) {
      const message = `section "${name}" is of version ${version}; only ${known} is understood`;
      throw new ProtocolError("unsupported", message, position);
    }
    this.#seen.add(name);
    this.#open.set(id, section);
  }

  /** The section that goes on under this id. Throws `ProtocolError`. */
  started(id: number, position: number): Section {
    const section = this.#open.get(id);
    if (section) return section;
    throw new ProtocolError("bad-section", `section ${id} goes on, but has not started or has ended`, position);
  }

  end(id: number): void {
    this.#open.delete(id);
  }

  /** Throws `ProtocolError` where the last section has come too early. */
  eof(position: number): never {
    if (!this.#seen.has("block")) throw noBlockSection(position);
    const open = [...this.#open.values()].map(({ name }) => `"${name}"`).join(" and ");
    throw new ProtocolError("bad-section", `the stream's sections are over, but ${open} has not ended`, position);
  }

  #assertKnown({ name }: Section, kind: EnvelopeSectionKind, position: number): void {
    if (name === "block" || name === "ram") return;
    if (kind === "full" && !this.#seen.has("block")) throw noBlockSection(position);
    const message = `section ${JSON.stringify(name)} cannot be skipped: ${wayAround(name)}`;
    throw new ProtocolError("unsupported", message, position);
  }

  #isOpen(name: string): boolean {
    return [...this.#open.values()].some((section) => section.name === name);
  }
}

function noBlockSection(position: number): ProtocolError {
  return new ProtocolError("unsupported", "no block section: was it started with migrate -b?", position);
}

function wayAround(name: string): string {
  if (name === "dirty-bitmap") return "turn off the capability dirty-bitmaps in QEMU";
  if (name === "vfio" || name.endsWith("/vfio")) return "unplug the vfio device (device_del) before migrating";
  return "it goes on beside the block section; unplug its device in QEMU, or turn off the capability that adds it";
}
