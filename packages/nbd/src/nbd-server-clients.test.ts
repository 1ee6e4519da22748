import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { content, serveTestDisks, SIZE } from "./nbd-server-disks.test-kit.ts";
import { complaint, hasProgram, run, type Served, serveForPrograms } from "./nbd-server-programs.test-kit.ts";

const MiB = 1024 * 1024;

let served: Served;
beforeAll(async () => {
  served = await serveTestDisks();
});
afterAll(async () => served.end());

describe.skipIf(!hasProgram("nbdinfo"))("nbdinfo (skipped without the program)", () => {
  test("hears of size, flags, sizes of blocks, and contexts", async () => {
    const { protocol, structured, exports } = JSON.parse(await run("nbdinfo", ["--json", served.url("disk")])) as {
      readonly protocol: string;
      readonly structured: boolean;
      readonly exports: readonly Record<string, unknown>[];
    };
    expect([protocol, structured]).toEqual(["newstyle-fixed", true]);
    expect(exports).toMatchObject([
      {
        "export-name": "disk",
        description: "a disk of tests",
        "export-size": SIZE,
        contexts: ["base:allocation"],
        is_read_only: false,
        can_cache: true,
        can_df: true,
        can_fast_zero: true,
        can_flush: true,
        can_fua: true,
        can_multi_conn: true,
        can_trim: true,
        can_zero: true,
        block_size_minimum: 1,
        block_size_preferred: 4096,
        block_size_maximum: 32 * MiB,
      },
    ]);
    expect(await run("nbdinfo", ["--json", served.url("fixed")])).toContain('"is_read_only": true');
  });

  test("lists all exports", async () => {
    const list = JSON.parse(await run("nbdinfo", ["--json", "--list", served.url()])) as {
      readonly exports: readonly Record<string, unknown>[];
    };
    expect(list.exports.map((each) => each["export-name"])).toEqual(["disk", "fixed", "sectors", "broken"]);
  });

  test("maps data and holes", async () => {
    const map = JSON.parse(await run("nbdinfo", ["--json", "--map", served.url("disk")])) as object[];
    expect(map).toMatchObject([
      { offset: 0, length: 4 * MiB, type: 0 },
      { offset: 4 * MiB, length: 8 * MiB, type: 3 },
      { offset: 12 * MiB, length: SIZE - 12 * MiB, type: 0 },
    ]);
  });

  test("is told when there is no such export", async () => {
    expect(await complaint("nbdinfo", [served.url("nobody")])).toContain(
      "No such file or directory for export: nobody",
    );
  });
});

describe.skipIf(!hasProgram("nbdcopy"))("nbdcopy (skipped without the program)", () => {
  for (const [what, options] of [
    ["by one connection", ["--connections=1"]],
    ["by four", ["--connections=4", "--requests=32"]],
    ["one request at a time", ["--synchronous"]],
  ] as const) {
    test(`copies out and in ${what}`, async () => {
      const { path, open, offer, url, end } = await serveForPrograms();
      const bytes = content();
      await writeFile(path("from.img"), bytes);
      await writeFile(path("to.img"), randomBytes(SIZE)); // garbage: what is a hole must be made one
      offer({ name: "from", device: await open("from.img") }, { name: "to", device: await open("to.img") });
      await run("nbdcopy", [...options, url("from"), path("out.img")]);
      expect(Buffer.compare(await readFile(path("out.img")), bytes)).toBe(0);
      await run("nbdcopy", ["--flush", ...options, path("from.img"), url("to")]);
      expect(Buffer.compare(await readFile(path("to.img")), bytes)).toBe(0);
      await run("nbdcopy", [...options, url("from"), url("to")]);
      expect(Buffer.compare(await readFile(path("to.img")), bytes)).toBe(0);
      await end();
    });
  }
});

describe.skipIf(!hasProgram("qemu-img"))("qemu-img and qemu-io (skipped without the programs)", () => {
  test("qemu-io writes and reads patterns", async () => {
    const script = [
      "write -P 0x5a 1M 300k",
      "write -f -P 0x5b 2M 64k",
      "flush",
      "read -P 0x5a 1M 300k",
      "read -P 0x5b 2M 64k",
      "write -z -u 2M 64k",
      "read -P 0 2M 64k",
      "write -z 3M 1000",
      "discard 1M 64k",
      "read -P 0 1M 64k",
      "aio_write -P 7 1M 4k",
      "aio_write -P 8 1028k 4k",
      "aio_flush",
      "read -P 7 1M 4k",
      "read -P 8 1028k 4k",
    ];
    const said = await run("qemu-io", ["-f", "raw", ...script.flatMap((line) => ["-c", line]), served.url("disk")]);
    expect(said).not.toMatch(/failed|error/iu);
  });

  test("qemu-img converts out and in, compares, and maps", async () => {
    const { path, open, offer, url, end } = await serveForPrograms();
    await writeFile(path("from.img"), content());
    await writeFile(path("to.img"), randomBytes(SIZE));
    offer({ name: "from", device: await open("from.img") }, { name: "to", device: await open("to.img") });
    await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", url("from"), path("out.qcow2")]);
    expect(await run("qemu-img", ["compare", "-F", "raw", path("out.qcow2"), url("from")])).toContain("identical");
    await run("qemu-img", ["convert", "-n", "-W", "-m", "16", "-O", "raw", path("out.qcow2"), url("to")]);
    expect(await run("qemu-img", ["compare", "-f", "raw", "-F", "raw", url("from"), url("to")])).toContain("identical");
    expect(Buffer.compare(await readFile(path("from.img")), await readFile(path("to.img")))).toBe(0);
    const map = JSON.parse(
      await run("qemu-img", ["map", "--output=json", "-f", "raw", served.url("disk")]),
    ) as object[];
    expect(map.length).toBeGreaterThan(1);
    await end();
  });
});

test.skipIf(!hasProgram("nbd-client"))("nbd-client lists the exports (skipped without the program)", async () => {
  expect(await run("nbd-client", ["-l", "-u", served.socket])).toContain("sectors");
});

test.skipIf(!hasProgram("fio"))(
  "fio finds what it wrote, at depth 32, by two jobs (skipped without the program)",
  async () => {
    const { path, open, offer, url, end, folder } = await serveForPrograms();
    await writeFile(path("fio.img"), randomBytes(SIZE));
    offer({ name: "fio", device: await open("fio.img") });
    const job = ["--ioengine=nbd", `--uri=${url("fio")}`, "--bsrange=512-64k", "--bs_unaligned=0", "--iodepth=32"];
    const load = ["--rw=randrw", "--size=12m", "--offset_increment=12m", "--numjobs=2"];
    const checks = ["--verify=crc32c", "--verify_fatal=1", "--fsync=50", "--name=mixed"];
    expect(await run("fio", [...job, ...load, ...checks], folder)).toContain("err= 0");
    await end();
  },
);
