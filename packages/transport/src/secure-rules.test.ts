import { describe, expect, test } from "vitest";

import { createAuthority, hasOpenssl } from "./certificates.test-kit.ts";
import { secureBoth, tryBoth, wire } from "./secure-peers.test-kit.ts";
import { readSome } from "./tls-peers.test-kit.ts";
import { createToken, parseToken, secureConnection, type TlsOptions } from "./tls.ts";

const keyOf = (identity: string, fill: number, length = 32) => ({ identity, key: new Uint8Array(length).fill(fill) });
const alice = keyOf("alice", 1);
const bob = keyOf("bob", 2);
const failure = (message: string, code = "connect") => ({
  status: "rejected",
  reason: expect.objectContaining({ code, message: expect.stringContaining(message) }),
});

describe("pre-shared keys", () => {
  test("a dialler shows its first, a listener knows all", async () => {
    const [dialled, accepted] = wire();
    const [there, here] = await Promise.all([
      secureConnection(dialled, { as: "dialler", tls: { psk: [bob, keyOf("carol", 3)] } }),
      secureConnection(accepted, { as: "listener", tls: { psk: [alice, bob] } }),
    ]);
    expect([there.peer, here.peer]).toEqual(["memory:b", "memory:a"]);
    await Promise.all([there.send([Uint8Array.of(1, 2)]), readSome(here).then((n) => expect(n).toBe(2))]);
  });

  test("another key of the same user, and an unknown user, are turned away, and both ends say so", async () => {
    const told = failure("did not take the key: both ends must be given the same one");
    const other = await tryBoth({ tls: { psk: [keyOf("alice", 9)] } }, { tls: { psk: [alice] } });
    expect(other).toEqual([told, failure("it has another key")]);
    const unknown = await tryBoth({ tls: { psk: [bob] } }, { tls: { psk: [alice] } });
    expect(unknown).toEqual([told, failure("it has no key of ours")]);
  });

  test("a token is no key, although both are secrets", async () => {
    const token = parseToken(createToken());
    const [dialled, accepted] = await tryBoth({ tls: { token } }, { tls: { psk: [keyOf("blkmig", 0)] } });
    expect(dialled).toEqual(failure("did not take the token"));
    expect(accepted).toEqual(failure("it has another key"));
  });

  test.each<[string, TlsOptions]>([
    ["tls.psk has no key", { psk: [] }],
    ["tls.psk has two keys for one user", { psk: [alice, keyOf("alice", 5)] }],
    ["the key of 'alice' has 15 bytes: it must have 16 to 64", { psk: [keyOf("alice", 1, 15)] }],
    ["the key of 'bob' has 65 bytes", { psk: [alice, keyOf("bob", 1, 65)] }],
    ["a user's name has 1 to 128 bytes", { psk: [keyOf("", 1)] }],
    ["a user's name has 1 to 128 bytes", { psk: [keyOf("ä".repeat(65), 1)] }],
    ["none of them zero", { psk: [keyOf("a\0b", 1)] }],
  ])("%s: the caller's mistake, and the connection is let go of", async (message, tls) => {
    for (const as of ["dialler", "listener"] as const) {
      const [ours, theirs] = wire();
      const securing = secureConnection(ours, { as, tls });
      await expect(securing).rejects.toThrow(TypeError);
      await expect(securing).rejects.toThrow(message);
      await expect(readSome(theirs)).rejects.toMatchObject({ code: "reset" });
    }
  });
});

const tls = { psk: [alice] };

describe.each(["dialler", "listener"] as const)("as %s", (as) => {
  test("a peer that says nothing is given up in time", async () => {
    const [ours, theirs] = wire();
    await expect(secureConnection(ours, { as, tls, handshakeTimeoutMs: 20 })).rejects.toMatchObject({
      code: "timeout",
    });
    await drain(theirs);
  });

  test("a signal ends the attempt and lets go of the connection, before or in the middle", async () => {
    for (const when of ["before", "later"]) {
      const [ours, theirs] = wire();
      const controller = new AbortController();
      if (when === "before") controller.abort(new Error("enough"));
      const securing = secureConnection(ours, { as, tls, signal: controller.signal });
      controller.abort(new Error("enough"));
      await expect(securing).rejects.toMatchObject({ code: "destroyed" });
      await drain(theirs);
    }
  });

  test("a peer that leaves in the handshake is told of", async () => {
    for (const leave of ["finish", "destroy"] as const) {
      const [ours, theirs] = wire();
      const securing = secureConnection(ours, { as, tls });
      void theirs[leave]();
      const message = expect.stringContaining("went away during the handshake");
      await expect(securing).rejects.toMatchObject({ code: "connect", message });
    }
  });

  test("a peer that speaks clear text is told of", async () => {
    const [ours, theirs] = wire();
    const securing = secureConnection(ours, { as, tls });
    await theirs.send([new TextEncoder().encode("IHAVEOPT or any other clear text")]);
    await expect(securing).rejects.toMatchObject({
      code: "connect",
      message: expect.stringContaining("speaks clear text"),
    });
    await drain(theirs);
  });

  test("the end is what TLS says it is, and a cut comes after what was sent before it", async () => {
    const [dialled, accepted] = wire();
    const cutter = cuttable(as === "dialler" ? accepted : dialled);
    const [first, second] = as === "dialler" ? [dialled, cutter] : [cutter, accepted];
    const [there, here] = await secureBoth(first, second, tls);
    const [ours, theirs] = as === "dialler" ? [there, here] : [here, there];
    await theirs.send([Uint8Array.of(1, 2, 3)]);
    await cutter.cut();
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve)); // all has come, unread
    expect(await readSome(ours)).toBe(3);
    await expect(readSome(ours)).rejects.toMatchObject({ code: "cut" });
  });

  test("bytes that nobody wrote who has the key break the wire", async () => {
    const [dialled, accepted] = wire();
    const [there, here] = await secureBoth(dialled, accepted, tls);
    const forged = Buffer.concat([Buffer.from("1703030020", "hex"), Buffer.alloc(32)]);
    await (as === "dialler" ? accepted : dialled).send([forged]);
    await expect(readSome(as === "dialler" ? there : here)).rejects.toMatchObject({ code: "protocol" });
  });
});

/** Reads until nothing more comes, however it ends. */
async function drain(from: { read(into: Uint8Array): Promise<number> }): Promise<void> {
  const buffer = new Uint8Array(100);
  while ((await from.read(buffer).catch(() => 0)) > 0);
}

/** A wire whose end can be made under the feet of the TLS above it. */
function cuttable<T extends { finish(): Promise<void> }>(connection: T): T & { cut(): Promise<void> } {
  return { ...connection, cut: () => connection.finish() };
}

describe.skipIf(!hasOpenssl)("certificates (skipped without the program openssl)", () => {
  const ours = hasOpenssl ? createAuthority() : undefined!;
  const theirs = hasOpenssl ? createAuthority() : undefined!;
  const server = hasOpenssl ? { ca: ours.ca, ...ours.sign("DNS:disk.example,IP:::1") } : undefined!;
  const client = hasOpenssl ? { ca: ours.ca, ...ours.sign("DNS:client.example") } : undefined!;

  test.each([undefined, "disk.example", "::1"])("a listener may be checked to be host %s", async (host) => {
    const [dialled, accepted] = await tryBoth({ tls: client, ...(host && { host }) }, { tls: server });
    expect([dialled.status, accepted.status]).toEqual(["fulfilled", "fulfilled"]);
  });

  test.each(["other.example", "127.0.0.1"])("a listener that is not %s is not believed", async (host) => {
    const [dialled] = await tryBoth({ tls: client, host }, { tls: server });
    expect(dialled).toEqual(failure("is for another host"));
  });

  test("a listener that our authority has not signed is not believed, also where no host is asked for", async () => {
    const [dialled] = await tryBoth({ tls: client }, { tls: { ca: ours.ca, ...theirs.sign("DNS:disk.example") } });
    expect(dialled).toEqual(failure("certificate is not trusted"));
  });

  test("a dialler that our authority has not signed is turned away", async () => {
    const stranger = { ca: ours.ca, ...theirs.sign("DNS:client.example") };
    const [dialled, accepted] = await tryBoth({ tls: stranger }, { tls: server });
    expect(accepted).toEqual(failure("its certificate is not trusted"));
    const told = dialled.status === "fulfilled" ? readSome(dialled.value) : Promise.reject(dialled.reason as Error);
    await expect(told).rejects.toMatchObject({ message: expect.stringContaining("refused our certificate") });
  });

  test("a key and certificates do not meet, whichever end has which", async () => {
    const [byKey, byCertificate] = await tryBoth({ tls }, { tls: server });
    expect([byKey.status, byCertificate.status]).toEqual(["rejected", "rejected"]);
    expect(byKey).toEqual(failure("does not know the key"));
    expect(await tryBoth({ tls: client }, { tls })).toEqual([
      failure("expects a token or a key"),
      failure("it has no key of ours"),
    ]);
  });
});
