import { createClassicDecoder } from "@blkmig/protocol";

import type { LoadOptions, LoadResult } from "./load-options.ts";
import { answer, createLoading } from "./loading.ts";
import { Refusal } from "./refusal.ts";

/**
 * Loads a bare classic stream into disks, to its end. Settles when every block of every disk is there and on stable storage,
 * and the sender has been told (SHUT 0). Throws `LoadError` otherwise: then nothing is being written any more, and the
 * sender has been told that too (SHUT 1). The wire and the disks stay the caller's, to close.
 */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { wire } = options;
  const decoder = createClassicDecoder({ generation: options.generation ?? "1.1" });
  const loading = createLoading(options, (buffer) => decoder.land(buffer));

  const receive = async (): Promise<void> => {
    for (;;) {
      const bytes = await loading.read(decoder.want());
      if (bytes === 0) return endOfStream();
      decoder.accept(bytes);
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        const wait = loading.apply(frame);
        if (wait) await wait;
        loading.check();
      }
    }
  };

  const endOfStream = async (): Promise<void> => {
    await loading.settle(); // only now is what has not landed missing
    try {
      decoder.end();
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Refusal("incomplete", `${message}${loading.missing()}`, { cause });
    }
  };

  const loadAll = async (): Promise<void> => {
    await receive();
    if (!loading.ended) throw new Refusal("incomplete", `${cutShort(loading.transferred)}${loading.missing()}`);
    await loading.prove("the stream says that it is complete, but it is not");
  };

  await loading.run(loadAll, async () => void (await answer(wire, 1)));
  return { ...loading.progress(), answered: await answer(wire, 0) };
}

const cutShort = (bytes: number): string =>
  bytes === 0 ? "the stream is empty" : `the stream ended after ${bytes} bytes, before its last frames`;
