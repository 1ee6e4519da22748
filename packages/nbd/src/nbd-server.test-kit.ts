import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { type Connection, memoryPair, type MemoryPairOptions } from "@blkmig/transport/memory";

import type { NbdExport, NbdServer, NbdServerEvent, NbdServerOptions } from "./nbd-contract.ts";
import { createNbdServer } from "./nbd-server.ts";

/** A reply of the transmission phase, as a naive reader takes it from the wire. */
export interface Reply {
  readonly cookie: bigint;
  readonly error: number;
  /** Of a read. */
  readonly data: Uint8Array;
  /** Of a structured reply's only chunk; undefined: a simple one. */
  readonly chunk: number | undefined;
  /** A chunk's payload, whole. */
  readonly payload: Uint8Array;
}

/** A client that writes and reads the protocol by hand, byte for byte, and knows nothing of the server's code. */
export class HandClient {
  readonly connection: Connection;
  structured = false;
  readonly #lengths = new Map<bigint, number>();

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async read(bytes: number): Promise<DataView> {
    const into = new Uint8Array(bytes);
    for (let at = 0; at < bytes;) {
      const count = await this.connection.read(into.subarray(at));
      if (count === 0) throw new Error(`the server ended after ${at} of ${bytes} bytes`);
      at += count;
    }
    return new DataView(into.buffer);
  }

  /** Takes the greeting and says the client's flags. */
  async greet(flags = 3): Promise<void> {
    const greeting = await this.read(18);
    if (greeting.getBigUint64(0) !== 0x4e42444d41474943n) throw new Error("no NBDMAGIC");
    if (greeting.getBigUint64(8) !== 0x49484156454f5054n) throw new Error("no IHAVEOPT");
    if (greeting.getUint16(16) !== 3) throw new Error("the server's flags are wrong");
    await this.connection.send([bytesOf(4, (view) => view.setUint32(0, flags))]);
  }

  async say(option: number, data: Uint8Array = new Uint8Array(0)): Promise<void> {
    const header = bytesOf(16, (view) => {
      view.setBigUint64(0, 0x49484156454f5054n);
      view.setUint32(8, option);
      view.setUint32(12, data.length);
    });
    await this.connection.send([header, data]);
  }

  /** One answer to an option. */
  async heard(option: number): Promise<{ readonly reply: number; readonly data: DataView }> {
    const header = await this.read(20);
    if (header.getBigUint64(0) !== 0x0003e889045565a9n) throw new Error("no option reply");
    if (header.getUint32(8) !== option) throw new Error(`a reply to option ${header.getUint32(8)}, not ${option}`);
    return { reply: header.getUint32(12), data: await this.read(header.getUint32(16)) };
  }

  /** All answers to an option: the last one is an acknowledgement or an error. */
  async ask(option: number, data?: Uint8Array): Promise<{ readonly reply: number; readonly data: DataView }[]> {
    await this.say(option, data);
    const all = [await this.heard(option)];
    while (all.at(-1)!.reply !== 1 && all.at(-1)!.reply < 0x80000000) all.push(await this.heard(option));
    return all;
  }

  /** Negotiates as most clients do. Gives the transmission flags. */
  async go(name: string, options: { readonly contexts?: readonly string[]; readonly structured?: boolean } = {}) {
    await this.greet();
    if (options.structured !== false) {
      this.structured = (await this.ask(8)).at(-1)!.reply === 1;
    }
    if (options.contexts) await this.ask(10, contextData(name, options.contexts));
    const answers = await this.ask(7, infoData(name, []));
    const info = answers.find(({ data }) => data.byteLength === 12)!.data;
    return { size: Number(info.getBigUint64(2)), flags: info.getUint16(10) };
  }

  async request(
    command: number,
    cookie: bigint,
    { offset = 0, length = 0, flags = 0, data = new Uint8Array(0) }: RequestFields = {},
  ): Promise<void> {
    if (command === 0) this.#lengths.set(cookie, length);
    await this.connection.send([
      encodeRequest(command, cookie, { offset, length: length || data.length, flags }),
      data,
    ]);
  }

  async reply(): Promise<Reply> {
    const magic = (await this.read(4)).getUint32(0);
    if (magic === 0x67446698) return this.#simple();
    if (magic !== 0x668e33ef) throw new Error(`no reply: 0x${magic.toString(16)}`);
    const header = await this.read(16);
    if (header.getUint16(0) !== 1) throw new Error("a chunk that is not the last one");
    const payload = bytesIn(await this.read(header.getUint32(12)));
    const chunk = header.getUint16(2);
    const error = chunk >= 0x8000 ? new DataView(payload.buffer).getUint32(0) : 0;
    const data = chunk === 1 ? payload.subarray(8) : new Uint8Array(0);
    return { cookie: header.getBigUint64(4), error, data, chunk, payload };
  }

  async #simple(): Promise<Reply> {
    const rest = await this.read(12);
    const error = rest.getUint32(0);
    const cookie = rest.getBigUint64(4);
    const length = error === 0 && !this.structured ? (this.#lengths.get(cookie) ?? 0) : 0;
    const data = bytesIn(await this.read(length));
    return { cookie, error, data, chunk: undefined, payload: data };
  }
}

export interface RequestFields {
  readonly offset?: number;
  readonly length?: number;
  readonly flags?: number;
  readonly data?: Uint8Array;
}

export function encodeRequest(command: number, cookie: bigint, fields: RequestFields): Uint8Array {
  return bytesOf(28, (view) => {
    view.setUint32(0, 0x25609513);
    view.setUint16(4, fields.flags ?? 0);
    view.setUint16(6, command);
    view.setBigUint64(8, cookie);
    view.setBigUint64(16, BigInt(fields.offset ?? 0));
    view.setUint32(24, fields.length ?? 0);
  });
}

/** The data of INFO and GO. */
export function infoData(name: string, wants: readonly number[]): Uint8Array {
  const text = new TextEncoder().encode(name);
  return bytesOf(6 + text.length + wants.length * 2, (view, bytes) => {
    view.setUint32(0, text.length);
    bytes.set(text, 4);
    view.setUint16(4 + text.length, wants.length);
    wants.forEach((want, index) => view.setUint16(6 + text.length + index * 2, want));
  });
}

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export function contextData(name: string, queries: readonly string[]): Uint8Array {
  const parts = [name, ...queries].map((text) => new TextEncoder().encode(text));
  const total = parts.reduce((sum, part) => sum + 4 + part.length, 4);
  return bytesOf(total, (view, bytes) => {
    let at = 0;
    parts.forEach((part, index) => {
      view.setUint32(at, part.length);
      bytes.set(part, at + 4);
      at += 4 + part.length;
      if (index === 0) {
        view.setUint32(at, queries.length);
        at += 4;
      }
    });
  });
}

export function textOf(view: DataView, from = 0): string {
  return new TextDecoder().decode(bytesIn(view).subarray(from));
}

function bytesIn(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function bytesOf(length: number, fill: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  fill(new DataView(bytes.buffer), bytes);
  return bytes;
}

/** Bytes that look like nothing else: of each place its own. */
export function patternAt(offset: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => ((offset + index) * 167 + ((offset + index) >> 8)) & 0xff);
}

export const DISK_BYTES: number = 1024 * 1024;

/** A disk full of garbage. */
export function garbageDisk(size = DISK_BYTES): BlockDevice {
  return createMemoryDevice({ name: "disk", size, fill: patternAt(0, 65536) });
}

export interface ServerUnderTest {
  readonly server: NbdServer;
  readonly events: NbdServerEvent[];
  /** A client, by a wire of its own. */
  join(wire?: MemoryPairOptions): HandClient;
}

export function serverUnderTest(
  exports: readonly NbdExport[],
  options: Omit<NbdServerOptions, "exports" | "onEvent"> = {},
): ServerUnderTest {
  const events: NbdServerEvent[] = [];
  const server = createNbdServer({ ...options, exports: () => exports, onEvent: (event) => void events.push(event) });
  return {
    server,
    events,
    join(wire) {
      const [near, far] = memoryPair(wire);
      void server.serve(far);
      return new HandClient(near);
    },
  };
}
