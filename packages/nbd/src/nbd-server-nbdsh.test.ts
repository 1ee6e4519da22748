import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { serveTestDisks, SIZE } from "./nbd-server-disks.test-kit.ts";
import { hasProgram, nbdsh, type Served, serveForPrograms } from "./nbd-server-programs.test-kit.ts";

const MiB = 1024 * 1024;

let served: Served;
beforeAll(async () => {
  served = await serveTestDisks();
});
afterAll(async () => served.end());

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
