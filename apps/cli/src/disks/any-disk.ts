import type { OpenDisk } from "@blkmig/device";

/** A disk that a command has opened: a file, a block device, or one behind NBD. */
export interface AnyDisk extends Omit<OpenDisk, "kind"> {
  readonly kind: OpenDisk["kind"] | "nbd";
  /** Whether an extent's `allocated` tells what stands above a base that others have too: false behind an NBD server that does not say. */
  readonly knowsBase: boolean;
  /** Bytes: requests must be multiples of it. 1 for what is opened here. */
  readonly minimumBlock: number;
}

export interface OpenAnyDiskOptions {
  readonly name: string;
  readonly readOnly?: boolean;
  /** Default true; a disk behind NBD has no lock. */
  readonly lock?: boolean;
  readonly force?: { readonly inUse?: boolean };
  /** Clear text to another machine. */
  readonly insecure: boolean;
  /** Ends the opening of a disk behind NBD, not the disk. */
  readonly signal?: AbortSignal;
  /** Told in one sentence when a disk behind NBD stops answering. */
  readonly warn?: (message: string) => void;
}
