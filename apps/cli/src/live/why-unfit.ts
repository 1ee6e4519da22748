import type { NbdDevice } from "@blkmig/nbd";

/** What a new owner must offer, so that clients who have negotiated with the old one notice nothing. */
export interface Wanted {
  /** Bytes. */
  readonly size: number;
  readonly readOnly: boolean;
  /** Bytes: what the clients' requests are multiples of. */
  readonly minimumBlock: number;
  /** Which migration brings the disk there. */
  readonly migration: string;
}

/** Why clients cannot be passed on to it; undefined if they can. */
export function whyUnfit(
  device: Pick<NbdDevice, "size" | "readOnly" | "blockSizes" | "features" | "identity">,
  { size, readOnly, minimumBlock, migration }: Wanted,
): string | undefined {
  if (device.identity?.disk !== migration) return `what is there is not the target of migration ${migration}`;
  if (device.size !== size) return `it has ${device.size} bytes there, and ${size} here`;
  if (device.blockSizes.minimum > minimumBlock) {
    return `requests must be multiples of ${device.blockSizes.minimum} bytes there, and of ${minimumBlock} here`;
  }
  if (readOnly) return undefined;
  if (device.readOnly) return "it is read-only there";
  const { flush, fua, trim, writeZeroes, multiConn } = device.features;
  const lacking = Object.entries({ flush, fua, trim, "write zeroes": writeZeroes, "multi-conn": multiConn })
    .filter(([, offered]) => !offered)
    .map(([feature]) => feature);
  return lacking.length === 0
    ? undefined
    : `its clients were offered ${lacking.join(", ")}, which is not offered there`;
}
