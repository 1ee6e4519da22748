import { describe, expect, it } from "vitest";

import { parseServeOptions, type ServeFlags } from "./serve-options.ts";

const FLAGS: ServeFlags = {
  disk: ["vda=/vm.img"],
  nbd: ["nbd://127.0.0.1:0"],
  force: [],
  granularity: "64K",
  readOnly: false,
  insecure: false,
  json: false,
};

describe("the options of serve", () => {
  it("are understood", () => {
    const flags = { ...FLAGS, control: "unix:///run/a%20b", force: ["mounted"], stateDir: "/state" };
    expect(parseServeOptions({ ...flags, nbd: [...FLAGS.nbd, "nbd+unix:///?socket=/run/n"] })).toMatchObject({
      disks: [{ name: "vda", path: "/vm.img" }],
      nbd: [{ at: { kind: "tcp", port: 0 } }, { at: { kind: "unix", path: "/run/n" } }],
      control: "/run/a b",
      granularity: 65536,
      dangers: { mounted: true, inUse: false, incomplete: false },
      stateDir: "/state",
    });
  });

  it("name a socket by its path, made absolute", () => {
    expect(parseServeOptions({ ...FLAGS, control: "ctl" }).control).toBe(`${process.cwd()}/ctl`);
    expect(parseServeOptions(FLAGS).control).toBeUndefined();
  });

  it.each([
    [{ nbd: ["nbd://0.0.0.0"] }, "refused", /--insecure/],
    [{ nbd: ["nbd://127.0.0.1", "nbd://192.0.2.1"] }, "refused", /192\.0\.2\.1/],
    [{ granularity: "48K" }, "usage", /no power of two/],
    [{ granularity: "2M" }, "usage", /no power of two/],
    [{ control: "" }, "usage", /has no name/],
    [{ disk: [] }, "usage", /at least one --disk/],
  ])("%j is refused", (more, code, message) =>
    expect(() => parseServeOptions({ ...FLAGS, ...more })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    ),
  );

  it("in clear text to other machines are allowed by --insecure", () => {
    expect(parseServeOptions({ ...FLAGS, nbd: ["nbd://0.0.0.0"], insecure: true }).nbd).toHaveLength(1);
  });
});
