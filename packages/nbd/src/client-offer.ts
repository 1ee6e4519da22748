import { Malformed } from "./client-malformed.ts";
import type { BlockSizes, LinkIdentity } from "./nbd-contract.ts";
import { ALLOCATION_DEPTH, BASE_ALLOCATION, FLAG, INFO, LINK_CONTEXT, PORTABLE_PAYLOAD_BYTES } from "./nbd-numbers.ts";

/** What a server offers on a connection. */
export interface Offer {
  readonly size: number;
  /** `FLAG`s. */
  readonly flags: number;
  readonly blockSizes: BlockSizes;
  readonly structured: boolean;
  /** The numbers of the contexts that describe runs. */
  readonly allocation?: number;
  readonly depth?: number;
  readonly dirty?: number;
  readonly identity?: LinkIdentity;
}

/** What one answer to GO says. */
export interface Info {
  readonly size?: bigint;
  readonly flags?: number;
  readonly blockSizes?: BlockSizes;
}

/** What the protocol says of servers that say nothing. */
const UNSAID: BlockSizes = { minimum: 1, preferred: 4096, maximum: PORTABLE_PAYLOAD_BYTES };
const MOST_MINIMUM = 64 * 1024;

/** All that was said of an export in one. Throws `Malformed` without a size, or with one beyond 2^53. */
export function offerOf(infos: readonly Info[]): Offer {
  const { size, flags, blockSizes } = Object.assign({}, ...infos) as Info;
  if (size === undefined || flags === undefined) throw new Malformed("the export has no size");
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new Malformed(`the export has ${size} bytes: too many`);
  // Without the first bit the others mean nothing.
  const meant = (flags & FLAG.HAS_FLAGS) === 0 ? 0 : flags;
  return { size: Number(size), flags: meant, blockSizes: blockSizes ?? UNSAID, structured: false };
}

export function readInfo(data: Uint8Array): Info {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (data.length < 2) throw new Malformed("an answer about an export is cut off");
  const kind = view.getUint16(0);
  if (kind === INFO.EXPORT && data.length === 12) return { size: view.getBigUint64(2), flags: view.getUint16(10) };
  if (kind === INFO.BLOCK_SIZE && data.length === 14) {
    return { blockSizes: checked(view.getUint32(2), view.getUint32(6), view.getUint32(10)) };
  }
  if (kind === INFO.EXPORT || kind === INFO.BLOCK_SIZE) throw new Malformed("an answer about an export is cut off");
  return {};
}

function checked(minimum: number, preferred: number, most: number): BlockSizes {
  const isMinimum = minimum >= 1 && minimum <= MOST_MINIMUM && Number.isInteger(Math.log2(minimum));
  if (!isMinimum || most < minimum) {
    throw new Malformed(`block sizes of ${minimum} to ${most} bytes make no sense`);
  }
  // 0xffffffff means no limit; else it must be whole blocks, and what is not is none of our requests.
  return { minimum, preferred, maximum: most - (most % minimum) };
}

/** What one agreed context is: its number, or who the server is. `dirty`: the bitmap's context, if one was asked for. */
export function readContext(
  data: Uint8Array,
  dirty: string | undefined,
): Partial<Pick<Offer, "allocation" | "depth" | "dirty" | "identity">> {
  if (data.length < 4) throw new Malformed("an answer about a context is cut off");
  const id = new DataView(data.buffer, data.byteOffset, data.length).getUint32(0);
  const name = new TextDecoder().decode(data.subarray(4));
  if (name === BASE_ALLOCATION) return { allocation: id };
  if (name === ALLOCATION_DEPTH) return { depth: id };
  if (name === dirty) return { dirty: id };
  if (name.startsWith(LINK_CONTEXT)) return { identity: readIdentity(name.slice(LINK_CONTEXT.length)) };
  return {};
}

function readIdentity(text: string): LinkIdentity {
  const [run = "", disk = "", ...more] = text.split(":");
  try {
    if (run === "" || disk === "" || more.length > 0) throw new URIError("two words are due");
    return { run: decodeURIComponent(run), disk: decodeURIComponent(disk) };
  } catch (cause) {
    throw new Malformed(`the server calls itself '${text}', which is no run and disk`, { cause });
  }
}

/** Why a disk that offers `now` cannot be the one that offered `before`; undefined if it can. Other contexts change no byte. */
export function differenceOf(before: Offer, now: Offer): string | undefined {
  if (now.size !== before.size) return `it has ${now.size} bytes now, and had ${before.size}`;
  if (now.flags !== before.flags) return `it offers other flags now (${now.flags}) than before (${before.flags})`;
  const { minimum, maximum } = now.blockSizes;
  if (minimum > before.blockSizes.minimum || maximum < before.blockSizes.maximum) {
    return `it takes requests of ${minimum} to ${maximum} bytes now, and less is not enough`;
  }
  if (lacks(before, now)) return "it no longer knows what it knew of holes";
  if (before.dirty !== undefined && now.dirty === undefined) return "it no longer shows the dirty bitmap";
  if (before.identity?.disk !== now.identity?.disk) return "it is another disk";
  return undefined;
}

function lacks(before: Offer, now: Offer): boolean {
  return (["allocation", "depth"] as const).some(
    (context) => before[context] !== undefined && now[context] === undefined,
  );
}
