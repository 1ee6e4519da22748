import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { connect as connectSecurely, createServer as createTlsServer } from "node:tls";

import { describe, expect, onTestFinished, test } from "vitest";

import { createAuthority, hasOpenssl } from "./certificates.test-kit.ts";
import { toDialSettings } from "./tls-options.ts";
import { dial, HOST, readSome, startListening } from "./tls-peers.test-kit.ts";
import { connectTls, createToken, listenTls, parseToken, type TlsOptions } from "./tls.ts";

const token = { token: parseToken(createToken()) };

describe.skipIf(!hasOpenssl)("certificates (skipped without the program openssl)", () => {
  const ours = hasOpenssl ? createAuthority() : undefined!;
  const theirs = hasOpenssl ? createAuthority() : undefined!;
  const server = hasOpenssl ? { ca: ours.ca, ...ours.sign(`IP:${HOST}`) } : undefined!;
  const sender = hasOpenssl ? { ca: ours.ca, ...ours.sign("DNS:sender.example") } : undefined!;

  test("a server that our authority has not signed is not trusted", async () => {
    const { port } = await startListening({ ca: theirs.ca, ...theirs.sign(`IP:${HOST}`) });
    await expect(dial(port, sender)).rejects.toMatchObject({
      code: "connect",
      message: expect.stringContaining("certificate is not trusted"),
    });
  });

  test("a server's certificate must be for the host that was dialled", async () => {
    const { port, refusal } = await startListening({ ca: ours.ca, ...ours.sign("DNS:other.example") });
    await expect(dial(port, sender)).rejects.toMatchObject({ message: expect.stringContaining("is for another host") });
    expect(await refusal()).toBe("it went away during the handshake");
    const named = await startListening({ ca: ours.ca, ...ours.sign("DNS:localhost") });
    expect((await dial(named.port, sender, "localhost")).peer).toBe(`tls://localhost:${named.port}`);
  });

  test("a peer that our authority has not signed never arrives, and is told with its first read", async () => {
    const { port, refusal } = await startListening(server);
    const stranger = await dial(port, { ...theirs.sign("DNS:sender.example"), ca: ours.ca });
    await expect(readSome(stranger)).rejects.toMatchObject({
      code: "cut",
      message: expect.stringContaining("refused our certificate"),
    });
    expect(await refusal()).toMatch(/^its certificate is not trusted/u);
  });

  test("a listener that goes away before it has said anything may have refused us, and one that has said something has not", async () => {
    const { listener, port } = await startListening(server);
    for (const leave of ["finish", "destroy"] as const) {
      const [mute, accepted] = [await dial(port, sender), (await listener.accept())!];
      void accepted[leave]();
      const why = {
        code: leave === "finish" ? "cut" : "reset",
        message: expect.stringContaining("before it said anything"),
      };
      await expect(readSome(mute)).rejects.toMatchObject(why);
      await expect(readSome(mute)).rejects.toMatchObject(why);
    }
    const [heard, accepted] = [await dial(port, sender), (await listener.accept())!];
    await accepted.send([Uint8Array.of(1)]);
    await accepted.finish();
    expect([await readSome(heard), await readSome(heard)]).toEqual([1, 0]);
  });

  test("a peer without a certificate is turned away", async () => {
    const { port, refusal } = await startListening(server);
    const socket = connectSecurely({ host: HOST, port, ca: ours.ca });
    expect(await once(socket.resume(), "error")).toMatchObject([{ code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" }]);
    expect(await refusal()).toBe("it shows no certificate");
  });

  test("TLS 1.2 is turned away", async () => {
    const { port, refusal } = await startListening(server);
    const { ca, cert, key } = sender;
    const socket = connectSecurely({ host: HOST, port, ca, cert, key, maxVersion: "TLSv1.2" });
    await once(socket.resume(), "error");
    expect(await refusal()).toBe("it does not speak TLS 1.3");
  });

  test("a token and certificates do not meet, whoever signed them", async () => {
    const byCertificate = await startListening(server);
    await expect(dial(byCertificate.port, token)).rejects.toMatchObject({
      message: expect.stringContaining("does not know the token"),
    });
    const byToken = await startListening(token);
    await expect(dial(byToken.port, sender)).rejects.toMatchObject({
      message: expect.stringContaining("expects a token or a key"),
    });
    expect(await byToken.refusal()).toMatch(/^it has no token of ours/u);
  });

  test("a certificate is no proof of the token, not even one that this machine trusts", async () => {
    const { ca, cert, key } = server;
    const impostor = createTlsServer({ ca, cert, key }, (socket) => socket.end("give me your disk")).listen(0, HOST);
    await once(impostor, "listening");
    onTestFinished(() => void impostor.close());
    const { port } = impostor.address() as { port: number };
    await expect(dial(port, token)).rejects.toMatchObject({ code: "connect" });
    const trusting = connectSecurely({ ...toDialSettings(token, HOST), port, ca, ciphers: "TLS_AES_128_GCM_SHA256" });
    expect(String(await once(trusting, "error"))).toContain("a certificate is no proof of the token");
  });

  test("what another program's server has against our certificate is a connect error of the first read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "blkmig-s-server-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const keys = [
      "-cert",
      file("cert", server.cert),
      "-key",
      file("key", server.key),
      "-CAfile",
      file("ca", theirs.ca),
    ];
    const words = ["s_server", "-accept", `${HOST}:0`, ...keys, "-Verify", "1", "-verify_return_error"];
    const child = spawn("openssl", words, { stdio: ["pipe", "pipe", "ignore"] });
    onTestFinished(() => void child.kill());
    const port = await portOf(child.stdout);
    await expect(readSome(await dial(port, sender))).rejects.toMatchObject({
      code: "connect",
      message: expect.stringContaining("does not trust our certificate"),
    });
  });

  test("what is no certificate, and a key of another one, are the caller's mistake", async () => {
    const { ca, cert, key } = server;
    const listening = (tls: TlsOptions) => listenTls({ host: HOST, port: 0, tls });
    await expect(listening({ ca: "", cert, key })).rejects.toThrow(/^tls\.ca is no certificate/u);
    await expect(listening({ ca, cert: "x", key })).rejects.toThrow(/^tls\.cert is no certificate/u);
    await expect(listening({ ca, cert, key: cert })).rejects.toThrow(/^tls\.key is no private key/u);
    await expect(listening({ ca, cert, key: sender.key })).rejects.toThrow("tls.key is not the key of tls.cert");
    await expect(connectTls({ host: HOST, port: 1, tls: { ca: "", cert, key } })).rejects.toThrow(TypeError);
    await expect(listening({ token: new Uint8Array(15) })).rejects.toThrow(/15 bytes could be guessed/u);
  });
});

/** Where `openssl s_server` says that it listens. */
async function portOf(output: Readable): Promise<number> {
  let text = "";
  for (;;) {
    const port = /ACCEPT \S+:(\d+)/u.exec(text)?.[1];
    if (port !== undefined) return Number(port);
    text += String(await once(output, "data"));
  }
}
