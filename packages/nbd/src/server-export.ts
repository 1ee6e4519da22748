import type { BlockDevice } from "@blkmig/device";

import type { BlockSizes, NbdExport } from "./nbd-contract.ts";
import { FLAG, LINK_CONTEXT, PORTABLE_PAYLOAD_BYTES } from "./nbd-numbers.ts";

/** An export with its defaults filled in, as clients see it. */
export interface ServedExport {
  readonly name: string;
  readonly description: string | undefined;
  readonly device: BlockDevice;
  readonly readOnly: boolean;
  readonly blockSizes: BlockSizes;
  /** The name of the context that says who it is; undefined: nobody may hold the only link to it. */
  readonly linkContext: string | undefined;
}

/** The export that a client means; "" is also the only one there is. */
export function findExport(exports: readonly NbdExport[], name: string): NbdExport | undefined {
  const exact = exports.find((each) => each.name === name);
  return exact ?? (name === "" && exports.length === 1 ? exports[0] : undefined);
}

/** Fills in what was not said. A request may never be longer than `payloadBytes`, or its payload could never be held. */
export function describeExport(of: NbdExport, payloadBytes: number): ServedExport {
  const { name, description, device, readOnly = device.readOnly, link } = of;
  const linkContext = link && `${LINK_CONTEXT}${encodeURIComponent(link.run)}:${encodeURIComponent(link.disk)}`;
  const blockSizes = agreeBlockSizes(of.blockSizes, payloadBytes);
  return { name, description, device, readOnly: readOnly || device.readOnly, blockSizes, linkContext };
}

/** Sizes that fit each other: whatever was said, the preferred one lies between the others, and all are multiples of the first. */
function agreeBlockSizes(said: Partial<BlockSizes> | undefined, payloadBytes: number): BlockSizes {
  const minimum = said?.minimum ?? 1;
  const longest = Math.min(said?.maximum ?? PORTABLE_PAYLOAD_BYTES, payloadBytes);
  const maximum = Math.max(minimum, longest - (longest % minimum));
  const preferred = Math.min(Math.max(said?.preferred ?? 4096, minimum), maximum);
  return { minimum, preferred, maximum };
}

/** What the export can do, as the 16 flags of transmission. */
export function transmissionFlags({ readOnly }: ServedExport, structured: boolean): number {
  const always = FLAG.HAS_FLAGS | FLAG.SEND_FLUSH | FLAG.SEND_FUA | FLAG.CAN_MULTI_CONN | FLAG.SEND_CACHE;
  const writing = FLAG.SEND_TRIM | FLAG.SEND_WRITE_ZEROES | FLAG.SEND_FAST_ZERO;
  return always | (readOnly ? FLAG.READ_ONLY : writing) | (structured ? FLAG.SEND_DF : 0);
}
