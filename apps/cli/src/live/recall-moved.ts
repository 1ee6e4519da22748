import type { SourceRecord } from "@blkmig/journal";
import { parseNbdUrl } from "@blkmig/nbd";

import { CommandError, messageOf } from "../command-error.ts";
import { type RecordedSource, whereMoved, whyInDoubt } from "../send/recorded-sources.ts";
import { type ForwardLink, openForwardLink } from "./forward-link.ts";
import { assertForwardable } from "./forward-url.ts";
import type { LiveDiskParts, LiveServerOptions } from "./live-contract.ts";

const ASK = "`blkmig send … --resume` asks the receiver";

/** The record of a disk that has moved, whose clients are to be passed on. Throws `CommandError` `refused` for one that has no owner here, nor a known one. */
export function movedRecord(
  { name, disk, device, place, record }: LiveDiskParts,
  stateDir: string | undefined,
): (SourceRecord & { readonly serve: string }) | undefined {
  if (record?.role !== "source") return undefined;
  const refuse = (why: string): never => {
    throw new CommandError("refused", `disk '${name}': ${disk.path} ${why}`);
  };
  const source: RecordedSource = { name, device: { path: disk.path, size: device.size }, place, record };
  const doubt = whyInDoubt(source, ASK, stateDir);
  if (doubt !== undefined) refuse(doubt);
  if (record.state !== "moved") return undefined;
  const { serve } = record;
  return serve === undefined ? refuse(whereMoved(record)) : { ...record, serve };
}

/** Links a disk that has moved with its owner: it comes up so, or not at all. Throws `CommandError` `refused`. */
export async function linkMoved(
  { disk, device, readOnly }: LiveDiskParts,
  record: SourceRecord & { readonly serve: string },
  { insecure, say, warn }: Pick<LiveServerOptions, "insecure" | "say" | "warn">,
  ending: AbortSignal,
): Promise<ForwardLink> {
  const { migration, serve } = record;
  const server = parseNbdUrl(serve);
  assertForwardable(server, insecure);
  const wanted = { size: device.size, readOnly, minimumBlock: disk.minimumBlock, migration };
  try {
    return await openForwardLink({ server, name: record.disk, wanted, signal: ending, say, warn });
  } catch (cause) {
    const message = `${disk.path} ${whereMoved(record)}, but clients cannot be passed on to it: ${messageOf(cause)}`;
    throw new CommandError("refused", message, { cause });
  }
}
