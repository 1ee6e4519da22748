import { type Connection, type Listener, listenWs } from "@blkmig/transport/ws";

export type Relay = Pick<Listener, "url" | "close">;

/** Joins those who dial, two by two: browsers can only dial, so both ends of a wire between them must. */
export async function relayInPairs(origin: string): Promise<Relay> {
  const listener = await listenWs({ host: "127.0.0.1", port: 0, path: "/", allowOrigin: [origin] });
  const join = async (): Promise<void> => {
    for (;;) {
      const [first, second] = [await listener.accept(), await listener.accept()];
      if (!first || !second) return;
      void pass(first, second);
      void pass(second, first);
    }
  };
  void join();
  return listener;
}

/** One direction, an end as an end and a break as a break. */
async function pass(from: Connection, to: Connection): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  try {
    for (let n = await from.read(buffer); n > 0; n = await from.read(buffer)) await to.send([buffer.subarray(0, n)]);
    await to.finish();
  } catch (error) {
    from.destroy(error as Error);
    to.destroy(error as Error);
  }
}
