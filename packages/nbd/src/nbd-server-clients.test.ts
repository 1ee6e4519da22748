import { randomBytes } from "node:crypto";
import { readFile, truncate, writeFile } from "node:fs/promises";

import type { BlockDevice } from "@blkmig/device";
import { DeviceError } from "@blkmig/device";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { complaint, hasProgram, nbdsh, run, type Served, serveForPrograms } from "./nbd-server-programs.test-kit.ts";

const MiB = 1024 * 1024;
const SIZE = 24 * MiB;

let served: Served;
let device: BlockDevice;

/** A disk of data, a hole, and data. */
function content(): Buffer {
  return Buffer.concat([randomBytes(4 * MiB), Buffer.alloc(8 * MiB), randomBytes(SIZE - 12 * MiB)]);
}

beforeAll(async () => {
  served = await serveForPrograms();
  const { path, open, offer } = served;
  const bytes = content();
  await writeFile(path("disk.img"), bytes.subarray(0, 4 * MiB));
  await truncate(path("disk.img"), SIZE);
  const disk = await open("disk.img");
  await disk.write(12 * MiB, [bytes.subarray(12 * MiB)]);
  await writeFile(path("fixed.img"), randomBytes(MiB));
  device = disk;
  const fixed = await open("fixed.img", { readOnly: true });
  offer(
    { name: "disk", description: "a disk of tests", device },
    { name: "fixed", device: fixed },
    { name: "sectors", device, blockSizes: { minimum: 512, maximum: MiB } },
    { name: "broken", device: brokenDisk(device) },
  );
});

afterAll(async () => served.end());

/** Its first MiB cannot be read or written, nor anything be flushed. */
function brokenDisk(whole: BlockDevice): BlockDevice {
  const fail = (code: "io" | "no-space") => new DeviceError(code, "broken", "made to fail");
  return {
    ...whole,
    async read(offset, into) {
      if (offset < MiB) throw fail("io");
      return whole.read(offset, into);
    },
    async write(offset, data) {
      if (offset < MiB) throw fail("no-space");
      return whole.write(offset, data);
    },
    async flush() {
      throw fail("io");
    },
  };
}

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

describe.skipIf(!hasProgram("nbdsh"))("nbdsh (skipped without the program)", () => {
  test("does every command", async () => {
    const said = await nbdsh(
      served.url("disk"),
      `
      import random
      before = h.pread(1 << 20, 20 << 20)
      data = random.randbytes(100001)
      h.pwrite(data, (20 << 20) + 13, nbd.CMD_FLAG_FUA)
      h.flush()
      assert h.pread(100001, (20 << 20) + 13) == data
      assert h.pread(13, 20 << 20) == before[:13]
      assert h.pread(1000, (20 << 20) + 100014) == before[100014:101014]
      chunks = []
      def chunk(buf, offset, status, error):
          chunks.append((bytes(buf), offset, status))
      assert h.pread_structured(70000, 20 << 20, chunk, nbd.CMD_FLAG_DF) == before[:13] + data[:69987]
      assert len(chunks) == 1 and chunks[0][1:] == (20 << 20, nbd.READ_DATA)
      h.cache(24 << 20, 0)
      h.trim(65536, 21 << 20, nbd.CMD_FLAG_FUA)
      assert h.pread(65536, 21 << 20) == bytes(65536)
      h.zero(100, 22 << 20, nbd.CMD_FLAG_NO_HOLE)
      h.zero(65536, 23 << 20, nbd.CMD_FLAG_FAST_ZERO)
      assert h.pread(101, 22 << 20)[:100] == bytes(100)
      assert h.pread(65536, 23 << 20) == bytes(65536)
      runs = []
      def status(context, offset, entries, error):
          runs.append((context, offset, list(entries)))
      h.block_status(1 << 20, 21 << 20, status)
      assert runs[0][0] == "base:allocation" and runs[0][2][:2] == [65536, 3], runs
      runs.clear()
      h.block_status(12 << 20, 1 << 20, status, nbd.CMD_FLAG_REQ_ONE)
      assert runs == [("base:allocation", 1 << 20, [3 << 20, 0])], runs
      print("done")
      `,
    );
    expect(said).toContain("done");
  });

  test("hears every error, and goes on", async () => {
    const said = await nbdsh(
      served.url("disk"),
      `
      import errno
      h.set_strict_mode(0)
      def fails(number, request):
          try:
              request()
          except nbd.Error as e:
              assert e.errnum == number, (e.errnum, number)
          else:
              raise AssertionError("no error")
      size = h.get_size()
      fails(errno.EINVAL, lambda: h.pread(2, size - 1))
      fails(errno.ENOSPC, lambda: h.pwrite(b"ab", size - 1))
      fails(errno.EINVAL, lambda: h.trim(2, size - 1))
      fails(errno.ENOSPC, lambda: h.zero(2, size - 1))
      fails(errno.EINVAL, lambda: h.cache(2, size - 1))
      fails(errno.EINVAL, lambda: h.block_status(2, size, lambda *a: 0))
      fails(errno.EINVAL, lambda: h.pread(0, 0))
      assert len(h.pread(32 << 20 if size >= 32 << 20 else size, 0)) > 0
      print("done")
      `,
    );
    expect(said).toContain("done");
  });

  test("hears of what is read-only, misaligned, too long, and broken", async () => {
    const fails = `
      import errno
      h.set_strict_mode(0)
      def fails(number, request):
          try:
              request()
          except nbd.Error as e:
              assert e.errnum == number, (e.errnum, number)
          else:
              raise AssertionError("no error")
    `;
    const fixed = `${fails}
      fails(errno.EPERM, lambda: h.pwrite(b"a", 0))
      fails(errno.EPERM, lambda: h.trim(1, 0))
      fails(errno.EPERM, lambda: h.zero(1, 0))
      h.pread(1, 0)
      print("done")`;
    const sectors = `${fails}
      fails(errno.EINVAL, lambda: h.pread(512, 1))
      fails(errno.EINVAL, lambda: h.pwrite(bytes(513), 0))
      fails(errno.EINVAL, lambda: h.pwrite(bytes(2 << 20), 0))
      fails(errno.EOVERFLOW, lambda: h.pread(2 << 20, 0))
      h.pread(512, 512)
      print("done")`;
    const broken = `${fails}
      fails(errno.EIO, lambda: h.pread(10, 0))
      fails(errno.ENOSPC, lambda: h.pwrite(b"a", 0))
      fails(errno.EIO, lambda: h.flush())
      fails(errno.EIO, lambda: h.pwrite(h.pread(1, 2 << 20), 2 << 20, nbd.CMD_FLAG_FUA))
      h.pread(10, 2 << 20)
      print("done")`;
    expect(await nbdsh(served.url("fixed"), fixed)).toContain("done");
    expect(await nbdsh(served.url("sectors"), sectors)).toContain("done");
    expect(await nbdsh(served.url("broken"), broken)).toContain("done");
  });

  test("asks without structured replies, and by the oldest option", async () => {
    for (const option of ["h.set_request_structured_replies(False)", "h.set_handshake_flags(0)"]) {
      const script = `
        h = nbd.NBD()
        ${option}
        h.connect_uri("${served.url("disk")}")
        data = h.pread(300000, 1 << 20)
        h.pwrite(data, 1 << 20)
        assert h.pread(300000, 1 << 20) == data
        print("done")`;
      expect(await nbdsh(served.url("disk"), script)).toContain("done");
    }
  });

  test("keeps many writes and reads under way, by four connections, and finds what it wrote", async () => {
    const { path, open, offer, url, end } = await serveForPrograms({ limits: { bufferedBytes: 8 * MiB } });
    await writeFile(path("mixed.img"), randomBytes(SIZE));
    offer({ name: "mixed", device: await open("mixed.img") });
    const said = await nbdsh(
      url("mixed"),
      `
      import random
      hs = [h] + [nbd.NBD() for _ in range(3)]
      for each in hs[1:]:
          each.connect_uri("${url("mixed")}")
      file = open("${path("mixed.img")}", "rb")
      model = bytearray(file.read())
      slots = list(range(0, ${SIZE}, 65536))
      for turn in range(12):
          waiting = []
          random.shuffle(slots)
          for n, at in enumerate(slots[:128]):
              each = hs[n % 4]
              length = random.choice([1, 512, 4096, 65536])
              if n % 3:
                  data = random.randbytes(length)
                  model[at:at + length] = data
                  waiting.append((each, each.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(data)), at), None))
              else:
                  buf = nbd.Buffer(length)
                  waiting.append((each, each.aio_pread(buf, at), (buf, at, length)))
          for each, cookie, read in waiting:
              while not each.aio_command_completed(cookie):
                  each.poll(-1)
              if read:
                  assert bytes(read[0].to_bytearray()) == bytes(model[read[1]:read[1] + read[2]])
          hs[turn % 4].flush()
      file.seek(0)
      assert file.read() == bytes(model)
      print("done")
      `,
    );
    expect(said).toContain("done");
    await end();
  });
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
