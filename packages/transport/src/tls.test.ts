import { describeConnection } from "@blkmig/testkit";
import { describe } from "vitest";

import { createAuthority, hasOpenssl } from "./certificates.test-kit.ts";
import { connectTls, createToken, listenTls, parseToken, type TlsOptions } from "./tls.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

async function tlsPair({ there, here }: { readonly there: TlsOptions; readonly here: TlsOptions }) {
  const listener = await listenTls({ ...LOOPBACK, tls: there });
  const port = Number(new URL(listener.url).port);
  const [dialled, accepted] = await Promise.all([connectTls({ ...LOOPBACK, port, tls: here }), listener.accept()]);
  // Until a dialler with a certificate has heard something, an end may be the verdict on it, and is an error.
  if ("cert" in here) {
    await accepted!.send([Uint8Array.of(1)]);
    await dialled.read(new Uint8Array(1));
  }
  const cleanup = async () => {
    dialled.destroy();
    accepted!.destroy();
    await listener.close();
  };
  return { dialled, accepted: accepted!, cleanup };
}

// TLS allocates every chunk.
const capabilities = { bulkBytes: 512 * 1024 * 1024, growth: 256 * 1024 * 1024 };

const token = { token: parseToken(createToken()) };

describeConnection("tls by token, dialler sends", async () => {
  const { dialled, accepted, cleanup } = await tlsPair({ there: token, here: token });
  return { a: dialled, b: accepted, cleanup, capabilities };
});

describeConnection("tls by token, listener sends", async () => {
  const { dialled, accepted, cleanup } = await tlsPair({ there: token, here: token });
  return { a: accepted, b: dialled, cleanup, capabilities };
});

describe.skipIf(!hasOpenssl)("with certificates (skipped without the program openssl)", () => {
  const { ca, sign } = hasOpenssl ? createAuthority() : { ca: "", sign: () => ({ cert: "", key: "" }) };
  const there = { ca, ...sign("IP:127.0.0.1") };
  const here = { ca, ...sign("DNS:sender.example") };

  describeConnection("tls by certificates, dialler sends", async () => {
    const { dialled, accepted, cleanup } = await tlsPair({ there, here });
    return { a: dialled, b: accepted, cleanup, capabilities };
  });

  describeConnection("tls by certificates, listener sends", async () => {
    const { dialled, accepted, cleanup } = await tlsPair({ there, here });
    return { a: accepted, b: dialled, cleanup, capabilities };
  });
});
