import { describe, expect, it } from "vitest";

import { createFakePair } from "./machine-fake-pair.test-kit.ts";
import { refuse } from "./machine-fake.test-kit.ts";
import { createMachineMove } from "./machine-move.ts";

describe("a machine that is to move", () => {
  it.each(["exec:nc there 4444", "fd:7", "file:/tmp/x", "rdma:there:4444", ""])("has no way to '%s'", (uri) => {
    const { source, destination, live } = createFakePair();
    const options = { source, destination, uri, live, downtimeLimit: () => 300, warn() {} };
    expect(() => createMachineMove(options)).toThrow(TypeError);
    expect(source.calls).toEqual([]);
  });

  it("is readied at both ends, and the source is put back", async () => {
    const { source, destination, move } = createFakePair();
    source.capabilities.add("multifd").add("events");
    await move.prepare();
    expect([...source.capabilities].toSorted()).toEqual([
      "events",
      "multifd",
      "pause-before-switchover",
      "return-path",
    ]);
    expect([...destination.capabilities].toSorted()).toEqual(["events", "return-path"]);
    expect(source.downtimeLimit).toBe(1);
    expect(destination.calls).toContain("stop");
    await move.close();
    expect([...source.capabilities].toSorted()).toEqual(["events", "multifd"]);
    expect(source.downtimeLimit).toBe(300);
  });

  it.each(["postcopy-ram", "dirty-bitmaps", "block"])("is refused with '%s' on, and nothing is changed", async (on) => {
    const { source, destination, move } = createFakePair();
    source.capabilities.add(on);
    await expect(move.prepare()).rejects.toThrow(`migration capability '${on}' is on`);
    expect([...source.calls, ...destination.calls].filter((call) => !call.startsWith("query-"))).toEqual([]);
  });

  it.each(["setup", "active", "pre-switchover", "cancelling"])(
    "is refused while a migration is '%s'",
    async (status) => {
      const { source, move } = createFakePair();
      source.migration = { status };
      await expect(move.prepare()).rejects.toMatchObject({ code: "busy" });
    },
  );

  it.each(["none", "completed", "failed", "cancelled"])(
    "is not held up by an earlier migration: '%s'",
    async (status) => {
      const { source, move } = createFakePair();
      source.migration = { status };
      await move.prepare();
      expect(source.downtimeLimit).toBe(1);
    },
  );

  it.each(["running", "paused", "prelaunch", "postmigrate"])(
    "is refused to a destination that is '%s'",
    async (guest) => {
      const { source, destination, move } = createFakePair();
      destination.guest = guest;
      await expect(move.prepare()).rejects.toThrow(/start it with -S -incoming/u);
      expect(source.downtimeLimit).toBe(300);
    },
  );

  it.each([
    ["suspended", "not-supported"],
    ["inmigrate", "busy"],
  ])("is refused with a guest that is '%s'", async (guest, code) => {
    const { source, move } = createFakePair();
    source.guest = guest;
    await expect(move.prepare()).rejects.toMatchObject({ code });
  });

  it("is refused to the same QEMU", async () => {
    const { source, live } = createFakePair();
    const options = { source, destination: source, uri: "tcp:a:1", live, downtimeLimit: () => 300, warn() {} };
    await expect(createMachineMove(options).prepare()).rejects.toThrow("source and destination are the same QEMU");
  });

  it("is put back when its destination cannot be readied", async () => {
    const { source, destination, move } = createFakePair();
    destination.answers["migrate-set-capabilities"] = refuse("refused", "not here");
    await expect(move.prepare()).rejects.toThrow("not here");
    expect([...source.capabilities]).toEqual([]);
    expect(source.downtimeLimit).toBe(300);
  });
});
