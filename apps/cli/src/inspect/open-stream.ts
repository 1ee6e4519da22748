import { createReadStream } from "node:fs";
import { addAbortSignal } from "node:stream";

import { parseWireUrl } from "@blkmig/transport/url";

import { CommandError, messageOf } from "../command-error.ts";
import { recognise, tooShort } from "../receive/recognise.ts";

export interface OpenStream {
  /** Throws `CommandError` `not-a-stream` or `refused`. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** How many bytes have come. */
  readonly bytes: number;
}

/** Opens a path, a `file:` URL or `-`. */
export function openStream(where: string, signal: AbortSignal): OpenStream {
  const path = where.startsWith("file:") ? pathOf(where) : where;
  const input = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 });
  addAbortSignal(signal, input);
  let bytes = 0;
  const counted = async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of input) {
        bytes += (chunk as Uint8Array).length;
        yield chunk as Uint8Array;
      }
    } catch (cause) {
      if (signal.aborted) throw new CommandError("cancelled", "cancelled");
      throw new CommandError("refused", `${where}: ${messageOf(cause)}`, { cause });
    }
  };
  return {
    chunks: recognised(counted()),
    get bytes() {
      return bytes;
    },
  };
}

function pathOf(url: string): string {
  try {
    const parsed = parseWireUrl(url);
    return parsed.kind === "file" ? parsed.path : url;
  } catch (cause) {
    throw new CommandError("usage", messageOf(cause), { cause });
  }
}

/** The same chunks, once the first bytes are known to be those of a stream. */
async function* recognised(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of chunks) {
    if (!first) {
      yield chunk;
      continue;
    }
    first = Buffer.concat([first, chunk]);
    const known = recognise(first);
    if (known.is === "foreign") throw new CommandError("not-a-stream", known.why);
    if (known.is === "undecided") continue;
    yield first;
    first = undefined;
  }
  if (first) throw new CommandError("not-a-stream", tooShort(first));
}
