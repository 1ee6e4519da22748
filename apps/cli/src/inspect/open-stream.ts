import { createReadStream } from "node:fs";
import { addAbortSignal } from "node:stream";

import { parseWireUrl } from "@blkmig/transport/url";

import { CommandError, messageOf } from "../command-error.ts";
import { type Recognised, recognise, tooShort } from "../receive/recognise.ts";

export interface OpenStream {
  /** Reads the first bytes, once. Throws `CommandError` `not-a-stream` or `refused`, as its chunks do. */
  begin(): Promise<BegunStream>;
  /** How many bytes have come. */
  readonly bytes: number;
}

/** A stream of which the first bytes were recognised. */
export interface BegunStream {
  readonly is: Exclude<Recognised["is"], "undecided" | "foreign">;
  /** All of it, the first bytes too. */
  readonly chunks: AsyncIterable<Uint8Array>;
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
      throw new CommandError("refused", `${where} cannot be read: ${messageOf(cause)}`, { cause });
    }
  };
  return {
    begin: () => begin(where, counted()),
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

async function begin(where: string, chunks: AsyncGenerator<Uint8Array>): Promise<BegunStream> {
  let first: Uint8Array = new Uint8Array();
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    first = Buffer.concat([first, next.value]);
    const known = recognise(first);
    if (known.is === "undecided") continue;
    if (known.is !== "foreign") return { is: known.is, chunks: joined(first, chunks) };
    await chunks.return(undefined);
    throw new CommandError("not-a-stream", `${where}: ${known.why}`);
  }
  throw new CommandError("not-a-stream", `${where}: ${tooShort(first)}`);
}

async function* joined(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined); // whoever leaves at the first bytes closes the stream, too
  }
}
