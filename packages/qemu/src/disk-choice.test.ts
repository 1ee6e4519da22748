import { describe, expect, it } from "vitest";

import { chooseQemuDisks } from "./disk-choice.ts";
import type { QemuDisk } from "./disks-contract.ts";

const URL = "unix:///run/vm.qmp";

function disk(ids: readonly string[], more: Partial<QemuDisk> = {}): QemuDisk {
  return {
    ids,
    qdev: `/machine/peripheral/${ids[0]}`,
    node: `#block${ids[0]}`,
    size: 1 << 20,
    format: "raw",
    backingDepth: 0,
    storage: { filename: `${ids[0]}.raw`, driver: "file", bytes: 1 << 20 },
    unfit: undefined,
    ...more,
  };
}

const vda = disk(["vda", "drive0"]);
const vdb = disk(["vdb", "drive1", "node1"]);
const cd = disk(["cd"], { node: undefined, unfit: { how: "left-out", why: "it is empty" } });
const busy = disk(["vdc"], { unfit: { how: "refused", why: "a job is at work" } });

/** The error's code, and its sentence without the monitor's URL. */
function refusal(choose: () => unknown): { readonly code: unknown; readonly sentence: string } {
  try {
    choose();
  } catch (error) {
    const { code, message } = error as { readonly code: unknown; readonly message: string };
    return { code, sentence: message.slice(`${URL}: `.length) };
  }
  throw new Error("nothing was refused");
}

describe("without a wish", () => {
  it("all are chosen by their first ids, but those that are left out", () => {
    expect(chooseQemuDisks(URL, [vda, cd, vdb])).toEqual([
      { name: "vda", disk: vda },
      { name: "vdb", disk: vdb },
    ]);
  });

  it("one that must be refused is not passed over in silence", () => {
    expect(refusal(() => chooseQemuDisks(URL, [vda, busy]))).toEqual({
      code: "unfit",
      sentence: "disk 'vdc' cannot be moved: a job is at work",
    });
  });

  it("a machine without a disk to move is told what it has", () => {
    expect(refusal(() => chooseQemuDisks(URL, [cd]))).toEqual({
      code: "unfit",
      sentence: "no disk to move: the machine has cd (it is empty)",
    });
    expect(refusal(() => chooseQemuDisks(URL, [])).sentence).toBe("no disk to move: the machine has none");
  });
});

describe("with wishes", () => {
  it("each id of a disk chooses it, in the order of the wishes, under the name that is wished", () => {
    expect(chooseQemuDisks(URL, [vda, vdb, busy], [{ id: "node1" }, { id: "drive0", name: "root" }])).toEqual([
      { name: "node1", disk: vdb },
      { name: "root", disk: vda },
    ]);
  });

  it("an id that nothing has is told what there is", () => {
    expect(refusal(() => chooseQemuDisks(URL, [vda, cd, busy], [{ id: "sda" }]))).toEqual({
      code: "unknown-disk",
      sentence: "no disk is called 'sda': the machine has vda, cd (it is empty), vdc (a job is at work)",
    });
  });

  it("an id of two disks is told what else they are called", () => {
    const other = disk(["drive0", "node2"]);
    expect(refusal(() => chooseQemuDisks(URL, [vda, other], [{ id: "drive0" }]))).toEqual({
      code: "unknown-disk",
      sentence: "'drive0' may be several disks ('vda' alias 'drive0', and 'drive0' alias 'node2'): say one's other id",
    });
  });

  it.each([
    [cd, "disk 'cd' cannot be moved: it is empty"],
    [busy, "disk 'vdc' cannot be moved: a job is at work"],
  ])("one that cannot be moved is refused with its reason", (unfit, sentence) => {
    expect(refusal(() => chooseQemuDisks(URL, [vda, unfit], [{ id: unfit.ids[0]! }]))).toEqual({
      code: "unfit",
      sentence,
    });
  });

  it("a disk that is asked for twice is refused, by whatever ids", () => {
    expect(refusal(() => chooseQemuDisks(URL, [vda], [{ id: "vda" }, { id: "drive0" }])).sentence).toBe(
      "disk 'vda' is asked for twice",
    );
  });

  it("two devices of one node are one disk", () => {
    const twin = disk(["vdt"], { node: vda.node });
    expect(refusal(() => chooseQemuDisks(URL, [vda, twin])).sentence).toBe(
      "'vda' and 'vdt' are one disk: choose one of them",
    );
  });

  it("two disks do not get one name", () => {
    expect(refusal(() => chooseQemuDisks(URL, [vda, vdb], [{ id: "vda" }, { id: "vdb", name: "vda" }]))).toEqual({
      code: "unfit",
      sentence: "'vda' and 'vdb' cannot both be called 'vda': give one another name",
    });
  });

  it("a name has 1 to 255 bytes", () => {
    const named = (name: string) => () => chooseQemuDisks(URL, [vda], [{ id: "vda", name }]);
    expect(named("ü".repeat(127))()).toHaveLength(1);
    expect(refusal(named("ü".repeat(128)))).toMatchObject({ code: "unfit" });
    expect(refusal(named("ü".repeat(128))).sentence).toMatch(/1 to 255 bytes, and this one has 256$/u);
    expect(refusal(named("")).sentence).toMatch(/and this one has 0$/u);
  });
});
