import { expect, onTestFinished } from "vitest";

import type { Connection } from "./connection.ts";
import { connectTls, listenTls, type TlsListenOptions, type TlsOptions } from "./tls.ts";

/** Where the tests dial. */
export const HOST = "127.0.0.1";

/** A listener, and what it says of those it turns away, one by one. */
export async function startListening(tls: TlsOptions, options: Partial<TlsListenOptions> = {}) {
  const heard: string[] = [];
  let wake = () => {};
  const onRefused = (peer: string, why: string) => {
    expect(peer).toMatch(/^tls:\/\/127\.0\.0\.1:\d+$/u);
    heard.push(why);
    wake();
  };
  const listener = await listenTls({ host: HOST, port: 0, tls, onRefused, ...options });
  onTestFinished(() => listener.close());
  const refusal = async (count = 1) => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return heard.at(-1);
  };
  return { listener, port: Number(new URL(listener.url).port), heard, refusal };
}

/** Dials until the end of the test. */
export async function dial(port: number, tls: TlsOptions, host = HOST) {
  const wire = await connectTls({ host, port, tls });
  onTestFinished(() => wire.destroy());
  return wire;
}

/** How many bytes come next, 0 at the end. */
export const readSome = async (from: Connection): Promise<number> => from.read(new Uint8Array(100));
