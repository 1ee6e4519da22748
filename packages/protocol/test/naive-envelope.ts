/*
 * QEMU's migration stream a second time, as plainly as possible, on a whole stream in memory. It judges the real decoder,
 * so it imports nothing of ours.
 */

interface NaiveSection {
  kind: "start" | "part" | "end";
  id: number;
  name: string;
  position: number;
  /** Where its body ends, and its footer begins if there is one. */
  bodyEnd: number;
  /** Behind its footer. */
  end: number;
  pages?: { zero: number; plain: number; xbzrle: number; compressed: number };
}

export interface NaiveEnvelope {
  /** Where fields, words and pages begin. */
  edges: number[];
  sections: NaiveSection[];
  /** Where the data of blocks begin, 1 MiB each. */
  payloads: number[];
  /** Behind the last section before FULL or EOF. */
  opaque: number;
}

/** Everything up to the first FULL or EOF. */
export function naiveEnvelope(stream: Uint8Array): NaiveEnvelope {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const all: NaiveEnvelope = { edges: [], sections: [], payloads: [], opaque: 0 };
  const names = new Map<number, string>();
  let at = 8;
  const edge = (bytes: number): number => {
    all.edges.push(at);
    at += bytes;
    return at - bytes;
  };
  const u8 = (): number => view.getUint8(edge(1));
  const u32 = (): number => view.getUint32(edge(4));
  const u64 = (): bigint => view.getBigUint64(edge(8));
  const text = (): string => {
    const length = u8();
    const from = edge(length);
    return new TextDecoder().decode(stream.subarray(from, from + length));
  };

  const block = (): void => {
    for (;;) {
      const word = u64();
      if (word === 2n) return;
      if (word % 2n === 0n) continue;
      text();
      if (word % 512n === 1n) all.payloads.push(edge(1024 * 1024));
    }
  };
  const ram = (pages: NonNullable<NaiveSection["pages"]>): void => {
    for (;;) {
      const word = u64();
      const flags = Number(word % 4096n);
      if (flags === 0x10) return;
      if (flags === 4) {
        for (let left = word - 4n; left > 0n; left -= u64()) text();
        continue;
      }
      if ((flags & 0x20) === 0) text();
      if ((flags & 0x02) !== 0) {
        u8();
        pages.zero++;
      } else if ((flags & 0x08) !== 0) {
        edge(4096);
        pages.plain++;
      } else if ((flags & 0x40) !== 0) {
        u8();
        edge(view.getUint16(edge(2)));
        pages.xbzrle++;
      } else {
        edge(u32());
        pages.compressed++;
      }
    }
  };

  for (;;) {
    const position = at;
    const type = view.getUint8(at);
    if (type === 0 || type === 4) return { ...all, edges: [...all.edges, at], opaque: at };
    u8();
    if (type === 7) edge(u32());
    else if (type === 8) {
      edge(2);
      edge(view.getUint16(edge(2)));
    } else if (type === 5) {
      const name = text();
      u32();
      if (name === "configuration/target-page-bits") u32();
      if (name === "configuration/uuid") edge(16);
      if (name === "configuration/capabilities") for (let left = u32(); left > 0; left--) text();
    } else {
      const id = u32();
      if (type === 1) {
        names.set(id, text());
        u32();
        u32();
      }
      const name = names.get(id) ?? "";
      const kind = type === 1 ? "start" : type === 2 ? "part" : "end";
      const section: NaiveSection = { kind, id, name, position, bodyEnd: 0, end: 0 };
      if (name === "ram") section.pages = { zero: 0, plain: 0, xbzrle: 0, compressed: 0 };
      if (section.pages) ram(section.pages);
      else block();
      section.bodyEnd = at;
      if (view.getUint8(at) === 0x7e) {
        u8();
        u32();
      }
      section.end = at;
      all.sections.push(section);
    }
  }
}
