import { copyFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, describe, expect, it } from "vitest";

import { hasCertificates, hasNbdkit, hasQemuNbd, Programs, type Server } from "./client-programs.test-kit.ts";
import type { NbdUrl } from "./nbd-contract.ts";
import { openNbd } from "./open-nbd.ts";

const MiB = 2 ** 20;

describe("openNbd and TLS", () => {
  const programs = new Programs();
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(async () => programs.end());

  async function assertServes(url: NbdUrl): Promise<void> {
    const device = await openNbd(url);
    await device.write(0, [new Uint8Array(3 * MiB).fill(5)]);
    await device.flush();
    const into = new Uint8Array(3 * MiB + 1);
    await device.read(0, into);
    expect([into[0], into[3 * MiB - 1], into[3 * MiB]]).toEqual([5, 5, 0]);
    await device.close();
  }

  const secured = ({ url }: Server, keys: Partial<NbdUrl>): NbdUrl => ({ ...url, secure: true, ...keys });

  async function nbdkit(...args: readonly string[]): Promise<Server> {
    const server = await programs.nbdkit([...args, "memory", "size=4M"]);
    ends.push(server.kill);
    return server;
  }

  describe.skipIf(!hasNbdkit)("nbdkit (skipped without the program nbdkit)", () => {
    it("is a disk behind a key that both know", async () => {
      const pskFile = programs.keys();
      const server = await nbdkit("--tls=require", `--tls-psk=${pskFile}`);
      await assertServes(secured(server, { pskFile }));
      await assertServes(secured(server, { pskFile, user: "alice" }));
    });

    it("is no disk behind another's key", async () => {
      const server = await nbdkit("--tls=require", `--tls-psk=${programs.keys("bob")}`);
      await expect(openNbd(secured(server, { pskFile: programs.keys("alice") }))).rejects.toMatchObject({
        name: "NbdError",
        code: "connect",
      });
    });

    it("says that TLS is wanted, and that it is refused", async () => {
      const pskFile = programs.keys();
      const wants = await nbdkit("--tls=require", `--tls-psk=${pskFile}`);
      await expect(openNbd(wants.url)).rejects.toMatchObject({
        code: "option",
        message: expect.stringContaining("wants TLS"),
      });
      const has = await nbdkit();
      await expect(openNbd(secured(has, { pskFile }))).rejects.toMatchObject({
        code: "option",
        message: expect.stringContaining("refuses TLS"),
      });
    });

    it.skipIf(!hasCertificates)("proves itself by certificates (needs certtool)", async () => {
      const certificates = programs.certificates();
      const server = await nbdkit("--tls=require", `--tls-certificates=${certificates}`, "--tls-verify-peer");
      await assertServes(secured(server, { certificates }));
      const foreign = programs.certificates();
      await expect(openNbd(secured(server, { certificates: foreign }))).rejects.toMatchObject({ code: "connect" });
      // Our certificate is another authority's, and the server's is one that we know.
      copyFileSync(join(certificates, "ca-cert.pem"), join(foreign, "ca-cert.pem"));
      await expect(openNbd(secured(server, { certificates: foreign }))).rejects.toMatchObject({ code: "connect" });
    });
  });

  describe.skipIf(!hasQemuNbd || !hasCertificates)("qemu-nbd (skipped without qemu-nbd and certtool)", () => {
    it("proves itself by certificates", async () => {
      const certificates = programs.certificates();
      const path = programs.freshPath("raw");
      writeFileSync(path, "");
      truncateSync(path, 4 * MiB);
      const credentials = `tls-creds-x509,id=tls0,endpoint=server,dir=${certificates},verify-peer=yes`;
      const server = await programs.qemuNbd(["--object", credentials, "--tls-creds", "tls0", "-f", "raw", path]);
      ends.push(server.kill);
      await assertServes(secured(server, { certificates }));
    });
  });
});
