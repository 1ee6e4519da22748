import { createMemoryDevice } from "@blkmig/device";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";

import { Programs } from "./client-programs.test-kit.ts";
import { listenNbd } from "./listen-nbd.ts";
import { readNbdKeys } from "./nbd-keys.ts";
import { complaint, hasProgram, run } from "./nbd-server-programs.test-kit.ts";
import { createNbdServer } from "./nbd-server.ts";
import { visit, writeCertificates, writePskFile } from "./nbd-tls.test-kit.ts";
import { parseNbdUrl } from "./nbd-url.ts";

const SIZE = 1024 * 1024;

let programs: Programs;
beforeEach(() => (programs = new Programs()));
afterEach(async () => programs.end());

const hasCerttool = hasProgram("certtool");

describe.skipIf(!hasProgram("nbdkit"))("nbdkit (skipped without the program nbdkit)", () => {
  test("lets in who has a key of its PSK file, by TLS 1.3, and nobody else", async () => {
    const psk = writePskFile(programs.folder, ["alice", "bob"]);
    const { socket } = await programs.nbdkit(["--tls=require", `--tls-psk=${psk}`, "memory", "1M"]);
    const urlOf = (user: string, file: string) =>
      parseNbdUrl(`nbds+unix://${user}@/?socket=${socket}&tls-psk-file=${file}`);
    expect(await visit(urlOf("alice", psk))).toBe("end");
    expect(await visit(urlOf("bob", psk))).toBe("end");
    const other = writePskFile(programs.path("other"), ["alice"]);
    await expect(visit(urlOf("alice", other))).rejects.toMatchObject({
      code: "connect",
      message: expect.stringContaining("its log says why"),
    });
  });

  test.skipIf(!hasCerttool)(
    "and we know each other by certificates (skipped without the program certtool)",
    async () => {
      const pki = writeCertificates(programs.folder);
      const keys = ["--tls=require", `--tls-certificates=${pki}`, "--tls-verify-peer"];
      const { socket } = await programs.nbdkit([...keys, "memory", "1M"]);
      expect(await visit(parseNbdUrl(`nbds+unix:///?socket=${socket}&tls-certificates=${pki}`))).toBe("end");
    },
  );
});

describe.skipIf(!hasProgram("qemu-nbd"))("qemu-nbd (skipped without the program qemu-nbd)", () => {
  test("lets in who has a key of its PSK file, by TLS 1.3", async () => {
    const psk = writePskFile(programs.folder, ["alice", "bob"]);
    const keys = ["--object", `tls-creds-psk,id=t,endpoint=server,dir=${programs.folder}`, "--tls-creds", "t"];
    const { socket } = await programs.qemuNbd([...keys, "--image-opts", `driver=null-co,size=${SIZE}`]);
    expect(await visit(parseNbdUrl(`nbds+unix://bob@/?socket=${socket}&tls-psk-file=${psk}`))).toBe("cut");
  });

  test.skipIf(!hasCerttool)(
    "and we know each other by certificates (skipped without the program certtool)",
    async () => {
      const pki = writeCertificates(programs.folder);
      const keys = ["--object", `tls-creds-x509,id=t,endpoint=server,dir=${pki},verify-peer=on`, "--tls-creds", "t"];
      const { socket } = await programs.qemuNbd([...keys, "--image-opts", `driver=null-co,size=${SIZE}`]);
      expect(await visit(parseNbdUrl(`nbds+unix:///?socket=${socket}&tls-certificates=${pki}`))).toBe("cut");
    },
  );
});

/** Serves one empty disk to who has keys until the end of the test. */
async function serve(text: string) {
  const url = parseNbdUrl(text);
  const { tls } = (await readNbdKeys(url, "server"))!;
  const refused: string[] = [];
  const server = createNbdServer({
    exports: () => [{ name: "", device: createMemoryDevice({ name: "disk", size: SIZE }) }],
    tls,
    onEvent: (event) => void (event.type === "refused" && refused.push(event.why)),
  });
  const listener = await listenNbd(url, server);
  onTestFinished(async () => {
    await listener.close();
    await server.close("now");
  });
  return { port: url.at.kind === "tcp" ? new URL(listener.url).port : "", refused };
}

describe.skipIf(!hasProgram("nbdinfo"))("our server and libnbd (skipped without the program nbdinfo)", () => {
  test("meet by a key of a PSK file, and not by another one", async () => {
    const psk = writePskFile(programs.folder, ["alice", "bob"]);
    const socket = programs.freshPath("sock");
    const { refused } = await serve(`nbds+unix:///?socket=${socket}&tls-psk-file=${psk}`);
    expect(await run("nbdinfo", ["--size", `nbds+unix://bob@/?socket=${socket}&tls-psk-file=${psk}`])).toBe(
      `${SIZE}\n`,
    );
    expect(refused).toEqual([]);
    const other = writePskFile(programs.path("other"), ["alice"]);
    await complaint("nbdinfo", [`nbds+unix://alice@/?socket=${socket}&tls-psk-file=${other}`]);
    expect(refused).toEqual([expect.stringContaining("it has another key")]);
  });

  test.skipIf(!hasCerttool)(
    "meet by certificates, by an address as well (skipped without the program certtool)",
    async () => {
      const pki = writeCertificates(programs.folder);
      const { port } = await serve(`nbds://127.0.0.1:0/?tls-certificates=${pki}`);
      expect(await run("nbdinfo", ["--size", `nbds://127.0.0.1:${port}/?tls-certificates=${pki}`])).toBe(`${SIZE}\n`);
      expect(await visit(parseNbdUrl(`nbds://127.0.0.1:${port}/?tls-certificates=${pki}`))).toBe("end");
    },
  );
});

describe.skipIf(!hasProgram("qemu-img"))("our server and QEMU (skipped without the program qemu-img)", () => {
  const info = (creds: string, wire: string) =>
    run("qemu-img", ["info", "--object", creds, "--image-opts", `driver=nbd,server.type=unix,tls-creds=t,${wire}`]);

  test("meet by a key of a PSK file", async () => {
    const psk = writePskFile(programs.folder, ["alice", "bob"]);
    const socket = programs.freshPath("sock");
    await serve(`nbds+unix:///?socket=${socket}&tls-psk-file=${psk}`);
    const creds = `tls-creds-psk,id=t,endpoint=client,dir=${programs.folder},username=bob`;
    expect(await info(creds, `server.path=${socket}`)).toContain("virtual size: 1 MiB");
  });

  test.skipIf(!hasCerttool)(
    "meet by certificates, with a host of its own (skipped without the program certtool)",
    async () => {
      const pki = writeCertificates(programs.folder);
      const socket = programs.freshPath("sock");
      await serve(`nbds+unix:///?socket=${socket}&tls-certificates=${pki}`);
      const creds = `tls-creds-x509,id=t,endpoint=client,dir=${pki}`;
      const wire = `server.path=${socket},tls-hostname=disk.example`;
      expect(await info(creds, wire)).toContain("virtual size: 1 MiB");
    },
  );
});
