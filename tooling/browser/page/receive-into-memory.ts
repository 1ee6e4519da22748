import { type BlockDevice, createMemoryDevice } from "@blkmig/device/memory";
import { createSinkSession, type SinkSessionEvent, type SinkSessionResult } from "@blkmig/sink";
import { connectWeb } from "@blkmig/transport/web";

export interface Received {
  /** By the names that the sender gave them. */
  readonly disks: ReadonlyMap<string, BlockDevice>;
  readonly result: SinkSessionResult;
}

export interface ReceiveOptions {
  /** Where `blkmig send --listen` waits: `ws://127.0.0.1:4711/migrate`. */
  readonly url: string;
  /** More than a tab should hold is refused before anything is sent. Bytes of all disks. */
  readonly mostBytes: number;
  readonly onEvent?: (event: SinkSessionEvent) => void;
}

/** Receives the disks of one session of blkmig into memory, and commits it when they are all here. */
export async function receiveIntoMemory({ url, mostBytes, onEvent }: ReceiveOptions): Promise<Received> {
  const disks = new Map<string, BlockDevice>();
  const session = createSinkSession({
    async open(offer) {
      const bytes = offer.disks.reduce((sum, { size }) => sum + size, 0);
      if (bytes > mostBytes) throw new Error(`${bytes} bytes are more than the ${mostBytes} that this page takes`);
      // Full of garbage, so that what never came cannot be taken for zeroes.
      for (const { name, size } of offer.disks) disks.set(name, createMemoryDevice({ name, size, fill: 0xa5 }));
      return { devices: [...disks.values()], journal: FORGETFUL, close: async () => {} };
    },
    ...(onEvent && { onEvent }),
  });
  const ended = session.ended.catch((error: unknown) => error); // told below; it may come first
  for (;;) {
    const wire = await connectWeb({ url });
    const end = await session.take(wire);
    if (end.how === "over") await wire.finish().catch(() => {}); // the sender may have hung up already
    wire.destroy();
    if (end.how === "over") break;
    if (end.how === "turned-away") throw new Error(end.why);
  }
  const result = await ended;
  if (result instanceof Error) throw result;
  return { disks, result: result as SinkSessionResult };
}

/** Nothing of a page survives it, its disks neither: there is nothing to record. */
const FORGETFUL = {
  begin: async (): Promise<void> => {},
  held: async (): Promise<void> => {},
  decide: async (): Promise<void> => {},
  done: async (): Promise<void> => {},
};
