import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { complaint, hasProgram, run, type Served, serveForPrograms } from "./nbd-server-programs.test-kit.ts";
import { garbageDisk, infoData, patternAt, serverUnderTest } from "./nbd-server.test-kit.ts";

const [EXPORT_NAME, ABORT, LIST, STARTTLS, GO, STRUCTURED] = [1, 2, 3, 5, 7, 8] as const;
const [POLICY, TLS_REQD] = [0x80000002, 0x80000005] as const;
const TOKEN = { token: patternAt(0, 16) };

test("a server with keys says nothing in clear text", async () => {
  const { join: dial } = serverUnderTest([{ name: "disk", device: garbageDisk() }], { tls: TOKEN });
  const client = dial();
  await client.greet();
  for (const [option, data] of [
    [LIST, new Uint8Array(0)],
    [GO, infoData("disk", [])],
    [STRUCTURED, new Uint8Array(0)],
    [99, new Uint8Array(0)],
  ] as const) {
    expect((await client.ask(option, data)).map(({ reply }) => reply)).toEqual([TLS_REQD]);
  }
  expect((await client.ask(ABORT))[0]!.reply).toBe(1);
  const old = dial();
  await old.greet();
  await old.say(EXPORT_NAME, new TextEncoder().encode("disk"));
  await expect(old.read(1)).rejects.toThrow("went away");
});

test("a server without keys says that it has none", async () => {
  const client = serverUnderTest([{ name: "disk", device: garbageDisk() }]).join();
  await client.greet();
  expect((await client.ask(STARTTLS))[0]!.reply).toBe(POLICY);
  expect((await client.ask(GO, infoData("disk", []))).at(-1)!.reply).toBe(1);
});

const SIZE = 4 * 1024 * 1024;

/** An authority, and a server's and a client's certificate of it, as the field's programs name them. */
async function makeCertificates(folder: string): Promise<void> {
  const path = (name: string) => join(folder, name);
  const key = async (name: string) => run("certtool", ["--generate-privkey", "--outfile", path(name)]);
  await writeFile(path("ca.cfg"), "cn = tests\nca\ncert_signing_key\nexpiration_days = 2\n");
  await key("ca-key.pem");
  const self = ["--generate-self-signed", "--load-privkey", path("ca-key.pem"), "--template", path("ca.cfg")];
  await run("certtool", [...self, "--outfile", path("ca-cert.pem")]);
  for (const [who, more] of [
    ["server", "tls_www_server\ndns_name = localhost\nip_address = 127.0.0.1"],
    ["client", "tls_www_client"],
  ] as const) {
    await key(`${who}-key.pem`);
    await writeFile(path(`${who}.cfg`), `cn = ${who}\n${more}\nsigning_key\nencryption_key\nexpiration_days = 2\n`);
    const by = ["--load-ca-certificate", path("ca-cert.pem"), "--load-ca-privkey", path("ca-key.pem")];
    const of = ["--load-privkey", path(`${who}-key.pem`), "--template", path(`${who}.cfg`)];
    await run("certtool", ["--generate-certificate", ...by, ...of, "--outfile", path(`${who}-cert.pem`)]);
  }
}

async function serveSecurely(tls: NonNullable<Parameters<typeof serveForPrograms>[0]>["tls"]): Promise<Served> {
  const served = await serveForPrograms({ tls: tls! });
  await writeFile(served.path("disk.img"), randomBytes(SIZE));
  served.offer({ name: "disk", device: await served.open("disk.img") });
  return served;
}

/** Everything that is copied out and in is the same. */
async function copies(served: Served, url: string): Promise<void> {
  const before = await readFile(served.path("disk.img"));
  await run("nbdcopy", [url, served.path("out.img")]);
  expect(Buffer.compare(await readFile(served.path("out.img")), before)).toBe(0);
  await writeFile(served.path("in.img"), before.toReversed());
  await run("nbdcopy", [served.path("in.img"), url]);
  expect(Buffer.compare(await readFile(served.path("disk.img")), before.toReversed())).toBe(0);
}

describe.skipIf(!hasProgram("certtool") || !hasProgram("nbdcopy"))(
  "certificates (skipped without the programs certtool and nbdcopy)",
  () => {
    let keys: string;
    let served: Served;
    beforeAll(async () => {
      keys = await mkdtemp(join(tmpdir(), "blkmig-nbd-keys-"));
      await makeCertificates(keys);
      const [cert, key, ca] = await Promise.all(
        ["server-cert.pem", "server-key.pem", "ca-cert.pem"].map(async (name) => readFile(join(keys, name), "utf8")),
      );
      served = await serveSecurely({ cert: cert!, key: key!, ca: ca! });
    }, 30_000);
    afterAll(async () => {
      await served.end();
      await rm(keys, { recursive: true });
    });

    test("nbdinfo and nbdcopy come in with them, and not without", async () => {
      const url = `nbds://localhost:${served.port}/disk?tls-certificates=${keys}`;
      expect(await run("nbdinfo", [url])).toContain("with TLS");
      await copies(served, url);
      expect(await complaint("nbdinfo", [`nbd://localhost:${served.port}/disk`])).toContain("not supported");
    });

    test.skipIf(!hasProgram("qemu-img"))("qemu-img comes in with them (skipped without the program)", async () => {
      const object = ["--object", `tls-creds-x509,id=t,dir=${keys},endpoint=client`];
      const image = `driver=nbd,host=localhost,port=${served.port},export=disk,tls-creds=t`;
      expect(await run("qemu-img", ["info", ...object, "--image-opts", image])).toContain("4 MiB");
    });
  },
);

describe.skipIf(!hasProgram("psktool") || !hasProgram("nbdcopy"))(
  "pre-shared keys (skipped without the programs psktool and nbdcopy)",
  () => {
    let keys: string;
    let served: Served;
    beforeAll(async () => {
      keys = await mkdtemp(join(tmpdir(), "blkmig-nbd-keys-"));
      await run("psktool", ["-u", "alice", "-p", join(keys, "keys.psk")]);
      await run("psktool", ["-u", "alice", "-p", join(keys, "others.psk")]);
      const [identity, hex] = (await readFile(join(keys, "keys.psk"), "utf8")).trim().split(":");
      served = await serveSecurely({ psk: [{ identity: identity!, key: Buffer.from(hex!, "hex") }] });
    });
    afterAll(async () => {
      await served.end();
      await rm(keys, { recursive: true });
    });

    test("nbdinfo and nbdcopy come in with the key, and not with another", async () => {
      const url = (file: string) => `nbds://alice@localhost:${served.port}/disk?tls-psk-file=${join(keys, file)}`;
      expect(await run("nbdinfo", [url("keys.psk")])).toContain("with TLS");
      await copies(served, url("keys.psk"));
      expect(await complaint("nbdinfo", [url("others.psk")])).toMatch(/handshake|TLS|alert/iu);
    });

    test.skipIf(!hasProgram("qemu-img"))("qemu-img comes in with it (skipped without the program)", async () => {
      const object = ["--object", `tls-creds-psk,id=t,dir=${keys},username=alice,endpoint=client`];
      const image = `driver=nbd,host=localhost,port=${served.port},export=disk,tls-creds=t`;
      expect(await run("qemu-img", ["info", ...object, "--image-opts", image])).toContain("4 MiB");
    });
  },
);
