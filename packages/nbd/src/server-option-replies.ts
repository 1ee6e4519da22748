import type { BlockSizes } from "./nbd-contract.ts";
import {
  EXPORT_NAME_ZEROES,
  HANDSHAKE_FLAG,
  INFO,
  INIT_MAGIC,
  OPTION_MAGIC,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
  REP,
} from "./nbd-numbers.ts";

/** How a server begins. */
export function encodeGreeting(): Uint8Array {
  const bytes = new Uint8Array(18);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, INIT_MAGIC);
  view.setBigUint64(8, OPTION_MAGIC);
  view.setUint16(16, HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES);
  return bytes;
}

/** An answer to an option; borrows nothing. */
export function encodeOptionReply(option: number, reply: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(OPTION_REPLY_HEADER_BYTES + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, OPTION_REPLY_MAGIC);
  view.setUint32(8, option);
  view.setUint32(12, reply);
  view.setUint32(16, data.length);
  bytes.set(data, OPTION_REPLY_HEADER_BYTES);
  return bytes;
}

/** An answer that is a sentence, for a person. */
export function encodeOptionError(option: number, reply: number, why: string): Uint8Array {
  return encodeOptionReply(option, reply, new TextEncoder().encode(why));
}

/** One export of a list. */
export function encodeListed(option: number, name: string, description: string): Uint8Array {
  const text = new TextEncoder().encode(name);
  const more = new TextEncoder().encode(description);
  const data = new Uint8Array(4 + text.length + more.length);
  new DataView(data.buffer).setUint32(0, text.length);
  data.set(text, 4);
  data.set(more, 4 + text.length);
  return encodeOptionReply(option, REP.SERVER, data);
}

/** A context; 0 is the id of one that is only listed. */
export function encodeContext(option: number, id: number, name: string): Uint8Array {
  const text = new TextEncoder().encode(name);
  const data = new Uint8Array(4 + text.length);
  new DataView(data.buffer).setUint32(0, id);
  data.set(text, 4);
  return encodeOptionReply(option, REP.META_CONTEXT, data);
}

/** Size and flags, as an item of information. */
export function encodeExportInfo(option: number, size: number, flags: number): Uint8Array {
  const data = new Uint8Array(12);
  const view = new DataView(data.buffer);
  view.setUint16(0, INFO.EXPORT);
  view.setBigUint64(2, BigInt(size));
  view.setUint16(10, flags);
  return encodeOptionReply(option, REP.INFO, data);
}

/** A name or a description. */
export function encodeTextInfo(option: number, type: number, text: string): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  const data = new Uint8Array(2 + encoded.length);
  new DataView(data.buffer).setUint16(0, type);
  data.set(encoded, 2);
  return encodeOptionReply(option, REP.INFO, data);
}

export function encodeBlockSizeInfo(option: number, sizes: BlockSizes): Uint8Array {
  const data = new Uint8Array(14);
  const view = new DataView(data.buffer);
  view.setUint16(0, INFO.BLOCK_SIZE);
  view.setUint32(2, sizes.minimum);
  view.setUint32(6, sizes.preferred);
  view.setUint32(10, sizes.maximum);
  return encodeOptionReply(option, REP.INFO, data);
}

/** The answer to EXPORT_NAME, which is no option reply. */
export function encodeExport(size: number, flags: number, zeroes: boolean): Uint8Array {
  const bytes = new Uint8Array(10 + (zeroes ? EXPORT_NAME_ZEROES : 0));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(size));
  view.setUint16(8, flags);
  return bytes;
}
