import type { Connection } from "@blkmig/transport";

import { encodeClientFlags, encodeContexts, encodeGo, encodeOption } from "./client-encode.ts";
import { Malformed } from "./client-malformed.ts";
import { type Offer, offerOf, readContext, readInfo } from "./client-offer.ts";
import { OptionDecoder, type OptionFrame } from "./client-option-decoder.ts";
import { Refusal } from "./client-refusal.ts";
import {
  ALLOCATION_DEPTH,
  BASE_ALLOCATION,
  DIRTY_BITMAP,
  HANDSHAKE_FLAG,
  INFO,
  LINK_CONTEXT,
  OPT,
  REP,
  REP_ERROR_BIT,
} from "./nbd-numbers.ts";

/** What a client wants of a server. */
export interface Wishes {
  readonly exportName: string;
  /** To be the only link, by this key. */
  readonly link: string | undefined;
  /** A dirty bitmap's name: its context is asked for, and none of holes. A server that does not agree just does not offer it. */
  readonly dirtyBitmap: string | undefined;
  /** Where TLS is wanted: what makes a connection secure once the server is ready for it. */
  readonly secure: ((connection: Connection) => Promise<Connection>) | undefined;
}

/** A connection that is ready for requests, and what the server offers on it. */
export interface Agreed {
  readonly connection: Connection;
  readonly offer: Offer;
}

type Reply = Extract<OptionFrame, { type: "reply" }>;

/**
 * Agrees with a server on one export. Throws `Refusal`, `Malformed` for bytes that are no NBD, and the wire's errors. The connection
 * stays the caller's.
 */
export async function shakeHands(raw: Connection, wishes: Wishes): Promise<Agreed> {
  const { exportName, link, dirtyBitmap, secure } = wishes;
  const dirty = dirtyBitmap === undefined ? undefined : `${DIRTY_BITMAP}${dirtyBitmap}`;
  const clear = new Talk(raw);
  const { isFixed, zeroes } = await greet(clear);
  if (!isFixed) {
    if (secure) throw new Refusal("option", "the server is too old for TLS: it knows no options but a name");
    if (link !== undefined) throw new Refusal("option", NO_LINK);
    return { connection: raw, offer: await askByName(clear, exportName, zeroes) };
  }
  const talk = secure ? await startTls(clear, secure) : clear;
  const structured = await askStructured(talk);
  const queries = dirty === undefined ? [BASE_ALLOCATION, ALLOCATION_DEPTH] : [dirty];
  if (link !== undefined) queries.push(`${LINK_CONTEXT}${link}`);
  const contexts = structured ? await askContexts(talk, exportName, queries) : [];
  const said = contexts.map((data) => readContext(data, dirty));
  if (link !== undefined && !said.some(({ identity }) => identity)) throw new Refusal("option", NO_LINK);
  const gone = await askGo(talk, exportName);
  const basics = gone ?? (await askByName(talk, exportName, zeroes));
  return { connection: talk.connection, offer: Object.assign({}, basics, { structured }, ...said) as Offer };
}

const NO_LINK = "the server lets nobody hold the only link to this export (blkmig:link)";

/** One option after the other, over one connection. */
class Talk {
  readonly connection: Connection;
  readonly decoder: OptionDecoder;

  constructor(connection: Connection, decoder: OptionDecoder = new OptionDecoder()) {
    this.connection = connection;
    this.decoder = decoder;
  }

  async next(): Promise<OptionFrame> {
    for (;;) {
      const frame = this.decoder.next();
      if (frame) return frame;
      const bytes = await this.connection.read(this.decoder.want());
      if (bytes === 0) throw new Refusal("connect", "the server hung up before the disk was open");
      this.decoder.accept(bytes);
    }
  }

  /** What was answered to an option, up to its last reply, which is an acknowledgement or an error. */
  async ask(option: number, data: readonly Uint8Array[] = []): Promise<{ replies: Reply[]; last: Reply }> {
    await this.connection.send([encodeOption(option, data)]);
    const replies: Reply[] = [];
    for (;;) {
      const reply = await this.next();
      if (reply.type !== "reply" || reply.option !== option) throw new Malformed("an answer to an option nobody asked");
      if (reply.kind === REP.ACK || (reply.kind & REP_ERROR_BIT) !== 0) return { replies, last: reply };
      if (replies.length >= MOST_REPLIES) throw new Malformed(`an option has more than ${MOST_REPLIES} answers`);
      replies.push(reply);
    }
  }
}

/** A server that answers for ever would otherwise fill the memory. */
const MOST_REPLIES = 100;

async function greet(talk: Talk) {
  const greeting = await talk.next();
  if (greeting.type !== "greeting") {
    throw new Refusal(
      "option",
      "the server speaks the oldstyle NBD, which knows no exports: only newstyle is spoken here",
    );
  }
  // Bits that we do not know are the server's offers, and not taken up.
  const flags = greeting.flags & (HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES);
  await talk.connection.send([encodeClientFlags(flags)]);
  const zeroes = (flags & HANDSHAKE_FLAG.NO_ZEROES) === 0 ? ("with zeroes" as const) : ("without zeroes" as const);
  return { isFixed: (flags & HANDSHAKE_FLAG.FIXED_NEWSTYLE) !== 0, zeroes };
}

async function startTls(talk: Talk, secure: (connection: Connection) => Promise<Connection>): Promise<Talk> {
  const { last } = await talk.ask(OPT.STARTTLS);
  if (last.kind !== REP.ACK) throw new Refusal("option", withWords("the server refuses TLS", last));
  return new Talk(await secure(talk.connection), talk.decoder);
}

async function askStructured(talk: Talk): Promise<boolean> {
  const { last } = await talk.ask(OPT.STRUCTURED_REPLY);
  if (last.kind === REP.ERR_TLS_REQD) throw wantsTls(last);
  return last.kind === REP.ACK;
}

/** The data of each context that is agreed on. A server without contexts has none. */
async function askContexts(talk: Talk, exportName: string, queries: readonly string[]): Promise<Uint8Array[]> {
  const { replies, last } = await talk.ask(OPT.SET_META_CONTEXT, encodeContexts(exportName, queries));
  if (last.kind === REP.ERR_UNKNOWN) throw unknownExport(exportName, last);
  if (last.kind !== REP.ACK) return [];
  return replies.filter(({ kind }) => kind === REP.META_CONTEXT).map(({ data }) => data);
}

/** Undefined: the server does not know GO. */
async function askGo(talk: Talk, exportName: string): Promise<Offer | undefined> {
  const { replies, last } = await talk.ask(OPT.GO, encodeGo(exportName, [INFO.BLOCK_SIZE]));
  if (last.kind === REP.ERR_UNSUP) return undefined;
  if (last.kind === REP.ERR_UNKNOWN) throw unknownExport(exportName, last);
  if (last.kind === REP.ERR_TLS_REQD) throw wantsTls(last);
  if (last.kind !== REP.ACK) {
    throw new Refusal("option", withWords(`the server refuses the export '${exportName}'`, last));
  }
  return offerOf(replies.filter(({ kind }) => kind === REP.INFO).map(({ data }) => readInfo(data)));
}

async function askByName(talk: Talk, exportName: string, zeroes: "with zeroes" | "without zeroes"): Promise<Offer> {
  talk.decoder.expectExport(zeroes);
  await talk.connection.send([encodeOption(OPT.EXPORT_NAME, [new TextEncoder().encode(exportName)])]);
  const answer = await talk.next().catch((error: unknown) => {
    // There is no other answer to a name that the server does not know.
    const what = `the server has no export '${exportName}', or will not give it: it hung up`;
    throw error instanceof Malformed ? error : new Refusal("unknown-export", what, { cause: error });
  });
  if (answer.type !== "export") throw new Malformed("an answer to an option nobody asked");
  return offerOf([{ size: answer.size, flags: answer.flags }]);
}

function unknownExport(exportName: string, reply: Reply): Refusal {
  return new Refusal("unknown-export", withWords(`the server has no export '${exportName}'`, reply));
}

function wantsTls(reply: Reply): Refusal {
  return new Refusal("option", withWords("the server wants TLS: the URL must begin with nbds", reply));
}

/** Servers explain themselves in the data of an error. */
function withWords(what: string, reply: Reply): string {
  const words = new TextDecoder().decode(reply.data).trim();
  return words === "" ? `${what} (${nameOf(reply.kind)})` : `${what}: ${words}`;
}

function nameOf(kind: number): string {
  const found = Object.entries(REP).find(([, value]) => value === kind);
  return found ? `NBD_REP_${found[0]}` : `0x${kind.toString(16)}`;
}
