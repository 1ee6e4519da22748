import type { Connection } from "@blkmig/transport";
import { memoryPair, type MemoryPairOptions } from "@blkmig/transport/memory";

/** A request as a server sees it: read by a naive decoder that shares nothing with the client's encoder. */
export interface Asked {
  readonly flags: number;
  readonly command: number;
  readonly cookie: bigint;
  readonly offset: number;
  readonly length: number;
  readonly data: Uint8Array;
}

/** The bytes to answer with, or undefined for no answer. */
export type Answer = (asked: Asked, peer: Peer) => Promise<readonly Uint8Array[] | undefined>;

export interface Script {
  size: number;
  flags: number;
  contexts: Record<string, number>;
  structured: boolean;
  /** Answers to `blkmig:link:` queries. */
  identity?: { run: string; disk: string };
  /** Awaited before a link is welcomed. */
  fence?: (peer: Peer, server: ScriptedServer) => Promise<void>;
  answer: Answer;
  /** What `connect()` throws, or undefined. */
  refuse?: () => Error | undefined;
}

const READ = 0;
const WRITE = 1;
const DISC = 2;
const ZERO = 6;
const STATUS = 7;

/** A server that tests write the lines of. Its disk is plain memory, full of 0xee. */
export class ScriptedServer {
  readonly script: Script;
  readonly bytes: Uint8Array;
  readonly peers = new Set<Peer>();
  readonly asked: Asked[] = [];
  goodbyes = 0;
  connects = 0;
  readonly #wire: MemoryPairOptions;

  constructor(script: Partial<Script> & { size: number }, wire: MemoryPairOptions = {}) {
    this.bytes = new Uint8Array(script.size).fill(0xee);
    const answer: Answer = async (asked) => this.perform(asked);
    this.script = { flags: 0b1101, contexts: {}, structured: true, answer, ...script };
    this.#wire = wire;
  }

  /** For the client. */
  connect = async (): Promise<Connection> => {
    this.connects += 1;
    const error = this.script.refuse?.();
    if (error) throw error;
    const [near, far] = memoryPair(this.#wire);
    const peer = new Peer(far, this);
    this.peers.add(peer);
    void peer.serve().then(() => this.peers.delete(peer));
    return near;
  };

  /** Without a goodbye. */
  cut(): void {
    for (const peer of this.peers) peer.cut();
  }

  /** Does what is asked to the bytes, and says so. */
  perform(asked: Asked): readonly Uint8Array[] {
    const inside = this.bytes.subarray(asked.offset, asked.offset + asked.length);
    if (asked.command === WRITE) inside.set(asked.data);
    if (asked.command === ZERO) inside.fill(0);
    if (asked.command === READ) return this.script.structured ? dataChunk(asked, inside, 1) : [simple(asked), inside];
    if (asked.command === STATUS) {
      const ids = Object.values(this.script.contexts);
      return ids.flatMap((id, i) => statusChunk(asked, id, [[asked.length, 0]], i === ids.length - 1 ? 1 : 0));
    }
    return [simple(asked)];
  }
}

/** One client, as the server sees it. */
export class Peer {
  readonly #connection: Connection;
  readonly #server: ScriptedServer;
  readonly #underWay = new Set<Promise<void>>();

  constructor(connection: Connection, server: ScriptedServer) {
    this.#connection = connection;
    this.#server = server;
  }

  cut(): void {
    this.#connection.destroy(new Error("cut"));
  }

  /** Any bytes: parts of an answer that take their time. */
  async say(data: readonly Uint8Array[]): Promise<void> {
    await this.#connection.send(data);
  }

  /** Settles when all that it has asked for has been done. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async serve(): Promise<void> {
    try {
      await this.#shakeHands();
      for (;;) await this.#serveOne();
    } catch {
      this.cut();
    }
    await this.settled();
  }

  async #shakeHands(): Promise<void> {
    const { script } = this.#server;
    await this.say([text("NBDMAGICIHAVEOPT"), u16(3)]);
    await this.#take(4);
    for (;;) {
      const head = view(await this.#take(16));
      const option = head.getUint32(8);
      const data = await this.#take(head.getUint32(12));
      if (option === 8) await this.#reply(8, script.structured ? 1 : 0x80000001);
      else if (option === 10) await this.#contexts(queriesOf(data));
      else if (option === 7) {
        await this.#reply(7, 3, [u16(0), u64(script.size), u16(script.flags)]);
        await this.#reply(7, 1);
        return;
      } else await this.#reply(option, 0x80000001);
    }
  }

  async #contexts(queries: readonly string[]): Promise<void> {
    const { script } = this.#server;
    for (const query of queries) {
      const id = script.contexts[query];
      if (id !== undefined) await this.#reply(10, 4, [u32(id), text(query)]);
      if (query.startsWith("blkmig:link:") && script.identity) {
        await script.fence?.(this, this.#server);
        const { run, disk } = script.identity;
        await this.#reply(10, 4, [u32(77), text(`blkmig:link:${encodeURIComponent(run)}:${encodeURIComponent(disk)}`)]);
      }
    }
    await this.#reply(10, 1);
  }

  async #serveOne(): Promise<void> {
    const head = view(await this.#take(28));
    if (head.getUint32(0) !== 0x25609513) throw new Error("no request");
    const [command, length] = [head.getUint16(6), head.getUint32(24)];
    const data = await this.#take(command === WRITE ? length : 0);
    if (command === DISC) {
      this.#server.goodbyes += 1;
      throw new Error("goodbye");
    }
    const [flags, cookie, offset] = [head.getUint16(4), head.getBigUint64(8), Number(head.getBigUint64(16))];
    const asked = { flags, command, cookie, offset, length, data };
    this.#server.asked.push(asked);
    const done = this.#server.script.answer(asked, this).then(
      async (answer) => (answer ? this.say(answer).catch(() => {}) : undefined),
      () => this.cut(),
    );
    this.#underWay.add(done);
    done.finally(() => this.#underWay.delete(done)).catch(() => {});
  }

  async #reply(option: number, kind: number, data: readonly Uint8Array[] = []): Promise<void> {
    const length = data.reduce((sum, piece) => sum + piece.length, 0);
    await this.say([u64(0x3e889045565a9n), u32(option), u32(kind), u32(length), ...data]);
  }

  async #take(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const count = await this.#connection.read(bytes.subarray(at));
      if (count === 0) throw new Error("the client hung up");
      at += count;
    }
    return bytes;
  }
}

export function simple(asked: Asked, error = 0): Uint8Array {
  return join(u32(0x67446698), u32(error), u64(asked.cookie));
}

export function chunk(asked: Asked, kind: number, flags: number, ...body: readonly Uint8Array[]): Uint8Array[] {
  const length = body.reduce((sum, piece) => sum + piece.length, 0);
  return [u32(0x668e33ef), u16(flags), u16(kind), u64(asked.cookie), u32(length), ...body];
}

export function dataChunk(asked: Asked, data: Uint8Array, flags: number, offset = asked.offset): Uint8Array[] {
  return chunk(asked, 1, flags, u64(offset), data);
}

export function holeChunk(asked: Asked, offset: number, length: number, flags: number): Uint8Array[] {
  return chunk(asked, 2, flags, u64(offset), u32(length));
}

export function statusChunk(
  asked: Asked,
  context: number,
  runs: readonly (readonly number[])[],
  flags: number,
): Uint8Array[] {
  return chunk(asked, 5, flags, u32(context), ...runs.flatMap((run) => run.map(u32)));
}

export function errorChunk(asked: Asked, error: number, words: string, flags: number): Uint8Array[] {
  return chunk(asked, 0x8001, flags, u32(error), u16(text(words).length), text(words));
}

function queriesOf(data: Uint8Array): string[] {
  const fields = view(data);
  let at = 4 + fields.getUint32(0);
  const queries: string[] = [];
  for (let left = fields.getUint32(at); left > 0; left--) {
    at += 4;
    const length = fields.getUint32(at);
    queries.push(new TextDecoder().decode(data.subarray(at + 4, at + 4 + length)));
    at += length;
  }
  return queries;
}

export function join(...pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  view(bytes).setUint16(0, value);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, value);
  return bytes;
}

export function u64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  view(bytes).setBigUint64(0, BigInt(value));
  return bytes;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
