import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { readNbdKeys } from "./nbd-keys.ts";
import { parseNbdUrl } from "./nbd-url.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "blkmig-nbd-keys-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode); // the umask has its own mind
  return path;
};
const pskUrl = (path: string, user = "") =>
  parseNbdUrl(`nbds://${user}host/disk?tls-psk-file=${encodeURIComponent(path)}`);

const ALICE = "0123456789abcdef".repeat(4);
const BOB = "FEDCBA9876543210".repeat(2);
const alice = { identity: "alice", key: new Uint8Array(Buffer.from(ALICE, "hex")) };
const bob = { identity: "bob", key: new Uint8Array(Buffer.from(BOB, "hex")) };

describe("a PSK file", () => {
  test("gives a client the first key or its user's, and a server all", async () => {
    const path = write("keys.psk", `# who may\n\nalice:${ALICE}\r\n bob:${BOB}`);
    expect(await readNbdKeys(pskUrl(path), "client")).toEqual({ tls: { psk: [alice] }, warnings: [] });
    expect(await readNbdKeys(pskUrl(path, "bob@"), "client")).toMatchObject({ tls: { psk: [bob] } });
    expect(await readNbdKeys(pskUrl(path), "server")).toMatchObject({ tls: { psk: [alice, bob] } });
    expect(await readNbdKeys(pskUrl(path, "bob@"), "server")).toMatchObject({ tls: { psk: [alice, bob] } });
  });

  test("without the user that is asked for is refused", async () => {
    const path = write("keys.psk", `alice:${ALICE}`);
    await expect(readNbdKeys(pskUrl(path, "carol@"), "client")).rejects.toThrow(
      `${path} has no key for the user 'carol'`,
    );
  });

  test.each([0o640, 0o604])("that others may open (%o) is told of", async (mode) => {
    const path = write("keys.psk", `alice:${ALICE}`, mode);
    const keys = await readNbdKeys(pskUrl(path), "client");
    expect(keys?.warnings).toEqual([expect.stringContaining(`${path} is open to other users`)]);
  });

  test.each([
    ["", "has no key: psktool -u alice -p"],
    ["# nothing", "has no key"],
    [`alice:${ALICE}\nbob`, "line 2 is not 'user:key in hex'"],
    [`alice:${ALICE.slice(1)}`, "line 1 is not 'user:key in hex'"],
    [`:${ALICE}`, "line 1 is not"],
    [`alice:${ALICE}x`, "line 1 is not"],
    [`alice:${ALICE}\nalice:${BOB}`, "line 2 is a second key for the user 'alice'"],
    ["alice:0123", "the key of 'alice' has 2 bytes: it must have 16 to 64"],
  ])("of %j is refused: %s, and no secret is repeated", async (text, why) => {
    const path = write("keys.psk", text);
    const refusal = (await readNbdKeys(pskUrl(path), "server").catch((error: unknown) => error)) as Error;
    expect(refusal).toBeInstanceOf(TypeError);
    expect(refusal.message).toContain(path);
    expect(refusal.message).toContain(why);
    expect(refusal.message).not.toContain(ALICE.slice(1));
  });

  test("that is not there is named", async () => {
    await expect(readNbdKeys(pskUrl("/nowhere/keys.psk"), "client")).rejects.toThrow(
      /^the key file \/nowhere\/keys\.psk cannot be read: no such file or directory \(ENOENT\)$/u,
    );
  });
});

test("a folder of certificates must have ours: the other end always asks for it", async () => {
  mkdirSync(join(folder, "pki"));
  write("pki/ca-cert.pem", "");
  const url = parseNbdUrl(`nbds://host/?tls-certificates=${encodeURIComponent(join(folder, "pki"))}`);
  await expect(readNbdKeys(url, "client")).rejects.toThrow(/pki\/client-cert\.pem cannot be read/u);
  await expect(readNbdKeys(url, "server")).rejects.toThrow(/pki\/server-cert\.pem cannot be read/u);
  for (const name of ["client-cert", "client-key"]) write(`pki/${name}.pem`, "");
  await expect(readNbdKeys(url, "client")).rejects.toThrow(/pki: tls\.ca is no certificate/u);
});

test("a URL in clear text has no keys, and a secure one that names none says what to add", async () => {
  expect(await readNbdKeys(parseNbdUrl("nbd://host"), "client")).toBeUndefined();
  const tcp = readNbdKeys(parseNbdUrl("nbds://host"), "client");
  await expect(tcp).rejects.toThrow(TypeError);
  await expect(tcp).rejects.toThrow(
    /add tls-psk-file=FILE or tls-certificates=FOLDER to it, for example '\?tls-psk-file=/u,
  );
  const unix = readNbdKeys(parseNbdUrl("nbds+unix:///?socket=/run/a"), "server");
  await expect(unix).rejects.toThrow(/for example '&tls-psk-file=/u);
});
