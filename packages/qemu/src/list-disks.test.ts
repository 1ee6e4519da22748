import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, describe, expect, it } from "vitest";

import { connectQmp } from "./connect-qmp.ts";
import { type FakeHandler, FakeRefusal, startFakeMonitor } from "./fake-monitor.test-kit.ts";
import { listQemuDisks } from "./list-disks.ts";
import type { Qmp } from "./qmp-contract.ts";

const folder = mkdtempSync(join(tmpdir(), "blkmig-qmp-"));
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => rmSync(folder, { recursive: true }));

const MiB = 1024 * 1024;

const image = (filename: string, size = MiB) => ({ filename, format: "raw", "virtual-size": size });
const node = (drv: string, file: string) => ({ drv, file, image: { "virtual-size": MiB } });
const block = (qdev: string, more: object = {}) => ({
  device: "",
  qdev,
  inserted: { "node-name": "n0", drv: "raw", ro: false, image: image("a.raw"), ...more },
});

/** Who uses which node: `vda` has n0, which lies on f0. */
const NODES = [
  { id: 1, type: "block-backend", name: "/machine/peripheral/vda/virtio-backend" },
  { id: 2, type: "block-driver", name: "n0" },
  { id: 3, type: "block-driver", name: "f0" },
];
const EDGES = [
  { name: "root", parent: 1, child: 2, perm: ["write"], "shared-perm": [] },
  { name: "file", parent: 2, child: 3, perm: ["write"], "shared-perm": [] },
];

async function qemu(handlers: Record<string, FakeHandler>, version?: string): Promise<Qmp> {
  const monitor = await startFakeMonitor({
    path: join(folder, "qmp"),
    handlers: {
      "query-block": () => [block("/machine/peripheral/vda/virtio-backend")],
      "query-named-block-nodes": () => [node("raw", "a.raw"), node("file", "a.raw")],
      "query-block-jobs": () => [],
      "x-debug-query-block-graph": () => ({ nodes: NODES, edges: EDGES }),
      ...handlers,
    },
    ...(version === undefined ? {} : { version }),
  });
  ends.push(monitor.close);
  const qmp = await connectQmp(monitor.address);
  ends.push(qmp.close);
  return qmp;
}

const unfitOf = async (qmp: Qmp): Promise<unknown> => (await listQemuDisks(qmp)).map(({ unfit }) => unfit);

it("says all that a disk may be called by, and no name that QEMU made up where there is another", async () => {
  const qmp = await qemu({
    "query-block": () => [
      { ...block("/machine/peripheral/vda/virtio-backend"), device: "d0" },
      block("/machine/peripheral-anon/device[0]", { "node-name": "n1" }),
      { ...block("sda", { "node-name": "#block17" }), device: "sda" },
      block("/machine/peripheral-anon/device[1]", { "node-name": "#block18" }),
      { device: "", qdev: "/machine/peripheral-anon/device[2]" },
    ],
  });
  const disks = await listQemuDisks(qmp);
  expect(disks.map(({ ids, qdev, node: root }) => [ids, qdev, root])).toEqual([
    [["vda", "d0", "n0"], "/machine/peripheral/vda/virtio-backend", "n0"],
    [["n1"], "/machine/peripheral-anon/device[0]", "n1"],
    [["sda"], "/machine/peripheral/sda", "#block17"],
    [["#block18"], "/machine/peripheral-anon/device[1]", "#block18"],
    [["/machine/peripheral-anon/device[2]"], "/machine/peripheral-anon/device[2]", undefined],
  ]);
});

it("leaves out what can neither change nor be lost", async () => {
  const qmp = await qemu({
    "query-block": () => [
      { device: "cd" },
      block("vda", { ro: true }),
      block("vdb", { image: image("b.raw", 0) }),
      { ...block(""), device: "unused" },
    ],
  });
  expect(await unfitOf(qmp)).toEqual([
    { how: "left-out", why: "it is empty" },
    { how: "left-out", why: "it is read-only" },
    { how: "left-out", why: "its size is 0" },
    { how: "left-out", why: "no device of the machine has it" },
  ]);
});

it("refuses a size that no block of ours ends at", async () => {
  const qmp = await qemu({ "query-block": () => [block("vda", { image: image("a.raw", 1000) })] });
  expect(await unfitOf(qmp)).toEqual([{ how: "refused", why: "its size of 1000 bytes is no multiple of 512" }]);
});

describe("somebody else's work", () => {
  const JOBS = [
    { device: "stream0", type: "stream" },
    { device: "jm", type: "mirror" },
  ];
  const WITH_JOB = {
    nodes: [...NODES, { id: 4, type: "block-job", name: "jm" }, { id: 5, type: "block-job", name: "stream0" }],
    edges: [...EDGES, { name: "source", parent: 4, child: 2, perm: [] }],
  };
  const BUSY = "the mirror job 'jm' is at work on it: wait for its end, or cancel it (block-job-cancel)";

  it("is a job at the disk, not one at another", async () => {
    const qmp = await qemu({ "query-block-jobs": () => JOBS, "x-debug-query-block-graph": () => WITH_JOB });
    expect(await unfitOf(qmp)).toEqual([{ how: "refused", why: BUSY }]);
    const elsewhere = { ...WITH_JOB, edges: EDGES };
    const other = await qemuAgain({ "query-block-jobs": () => JOBS, "x-debug-query-block-graph": () => elsewhere });
    expect(await unfitOf(other)).toEqual([undefined]);
  });

  it("is a job at a layer far below too", async () => {
    const below = { ...WITH_JOB, edges: [...EDGES, { name: "intermediate", parent: 4, child: 3, perm: [] }] };
    const qmp = await qemu({ "query-block-jobs": () => JOBS, "x-debug-query-block-graph": () => below });
    expect(await unfitOf(qmp)).toEqual([{ how: "refused", why: BUSY }]);
  });

  it("is any job where QEMU does not say whose it is", async () => {
    const refuse = (): never => {
      throw new FakeRefusal("Unstable command x-debug-query-block-graph disabled by policy");
    };
    const handlers = { "x-debug-query-block-graph": refuse, "query-block-jobs": () => JOBS };
    expect(await unfitOf(await qemu(handlers))).toEqual([
      { how: "refused", why: expect.stringContaining("the stream job 'stream0'") as string },
    ]);
    const idle = await qemuAgain({ "x-debug-query-block-graph": refuse });
    expect(await unfitOf(idle)).toEqual([undefined]);
  });

  it("is a writer below the root, for its writes mark nothing there; one at the root is seen", async () => {
    const backend = { id: 6, type: "block-backend", name: "" };
    const reader = { name: "root", parent: 6, child: 3, perm: ["consistent-read"] };
    const writer = { ...reader, perm: ["consistent-read", "write"] };
    const graph = (edge: object) => ({ nodes: [...NODES, backend], edges: [...EDGES, edge] });
    const unfit = async (edge: object): Promise<unknown> =>
      unfitOf(await qemuAgain({ "x-debug-query-block-graph": () => graph(edge) }));
    expect(await unfit(reader)).toEqual([undefined]);
    expect(await unfit({ ...writer, child: 2 })).toEqual([undefined]);
    expect(await unfit(writer)).toEqual([
      {
        how: "refused",
        why: "an export writes to what it lies on, and those writes are not seen above: end that first",
      },
    ]);
  });
});

describe("an iothread", () => {
  const properties: Record<string, unknown> = {
    "/machine/peripheral/sd0:parent_bus": "/machine/peripheral/s0/virtio-backend/s0.0",
    "/machine/peripheral/s0/virtio-backend:parent_bus": "/machine/peripheral/s0/virtio-bus",
    "/machine/peripheral/s0:parent_bus": "/machine/i440fx/pci.0",
  };
  const getting = (more: Record<string, unknown>): FakeHandler => {
    const all = { ...properties, ...more };
    return ({ path, property }) => {
      const key = `${path as string}:${property as string}`;
      if (!(key in all)) throw new FakeRefusal(`Property '${key}' not found`);
      return all[key];
    };
  };
  const DISK = { "query-block": () => [block("sd0")] };

  it.each([
    ["of the device itself", { "/machine/peripheral/sd0:iothread": "/objects/io0" }, "io0"],
    ["of its controller", { "/machine/peripheral/s0/virtio-backend:iothread": "/objects/io1" }, "io1"],
    ["of the device that its controller is a part of", { "/machine/peripheral/s0:iothread": "/objects/io2" }, "io2"],
    [
      "of its queues",
      { "/machine/peripheral/s0:iothread-vq-mapping": [{ iothread: "io3", vqs: [0] }, { iothread: "io4" }] },
      "io3",
    ],
  ])("%s is refused below QEMU 10.0, by name and why", async (_, more, thread) => {
    const qmp = await qemu({ ...DISK, "qom-get": getting(more) }, "9.2.1");
    expect(await unfitOf(qmp)).toEqual([
      {
        how: "refused",
        why:
          `it is in the iothread '${thread}', where QEMU 9.2.1 can crash, and the guest with it, when blkmig hangs up (7.2 does): ` +
          "use QEMU 10.0 or later, or start the machine without this iothread",
      },
    ]);
  });

  it("that is empty is none", async () => {
    const none = { "/machine/peripheral/sd0:iothread": "", "/machine/peripheral/s0:iothread-vq-mapping": [] };
    expect(await unfitOf(await qemu({ ...DISK, "qom-get": getting(none) }, "9.2.1"))).toEqual([undefined]);
  });

  it("is not asked for from QEMU 10.0 on", async () => {
    expect(await unfitOf(await qemu(DISK, "10.0.0"))).toEqual([undefined]);
  });
});

describe("a QEMU", () => {
  it.each(["4.2.1", "5.1.0"])("%s is too old", async (version) => {
    const listing = listQemuDisks(await qemu({}, version));
    await expect(listing).rejects.toMatchObject({ code: "not-supported" });
    await expect(listing).rejects.toThrow(`QEMU ${version} cannot export`);
  });

  it("5.2 is not", async () => {
    expect(await unfitOf(await qemu({ "qom-get": () => "" }, "5.2.0"))).toEqual([undefined]);
  });

  it.each([
    ["query-block", { blocks: [] }],
    ["query-block", [block("vda", { image: { filename: "a" } })]],
    ["query-block", [{ device: "d0", inserted: "yes" }]],
    ["query-named-block-nodes", [{ drv: "raw" }]],
    ["query-block-jobs", [7]],
  ])("whose answer to %s is odd is told so in a sentence", async (command, answer) => {
    const listing = listQemuDisks(await qemu({ [command]: () => answer }));
    await expect(listing).rejects.toMatchObject({ code: "not-supported" });
    await expect(listing).rejects.toThrow(`${command}: its answer is not understood`);
  });
});

/** A second QEMU in one test: the first has gone. */
async function qemuAgain(handlers: Record<string, FakeHandler>): Promise<Qmp> {
  for (const end of ends.splice(0).toReversed()) await end();
  return qemu(handlers);
}
