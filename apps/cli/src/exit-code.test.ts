import { DeviceError } from "@blkmig/device";
import { JournalError } from "@blkmig/journal";
import { NbdError } from "@blkmig/nbd";
import { QemuError } from "@blkmig/qemu";
import { LoadError } from "@blkmig/sink";
import { MigrationError } from "@blkmig/source";
import { TransportError } from "@blkmig/transport";
import { expect, it } from "vitest";

import { CommandError } from "./command-error.ts";
import { InDoubt } from "./exit-code-in-doubt.ts";
import { endingOf } from "./exit-code.ts";

const setup = { phase: "setup", pending: 0, guest: "running" } as const;
const unwritten = new JournalError("io", "/x.blkmig", "x");
const running = { phase: "dirty", pending: 1, guest: "running" } as const;
const touched = { touched: true, recognised: true } as const;
const untouched = { touched: false, recognised: true } as const;

it.each([
  [new MigrationError("wire", "x", running), 1, "failed"],
  [new MigrationError("refused", "x", running), 1, "failed"],
  [new MigrationError("changed", "x", running), 1, "failed"],
  [new MigrationError("journal", "x", running), 1, "failed"],
  [new MigrationError("mismatch", "x", running), 1, "failed"],
  [new MigrationError("refused", "x", setup), 3, "failed"],
  [new MigrationError("wire", "x", setup), 3, "failed"],
  [new MigrationError("device", "x", setup), 1, "failed"],
  [new MigrationError("wire", "x", setup, { cause: unwritten }), 3, "failed"],
  [new MigrationError("journal", "x", running, { cause: unwritten }), 1, "failed"],
  [new MigrationError("device", "x", running), 1, "failed"],
  [new MigrationError("cancelled", "x", running), 130, "cancelled"],
  [new MigrationError("in-doubt", "x", { ...running, guest: "paused" }), 4, "in-doubt"],
  [new MigrationError("wire", "x", { ...running, guest: "lost" }), 6, "failed"],
  [new InDoubt("m", [], "x"), 4, "in-doubt"],
  [unwritten, 3, "failed"],
  [new LoadError("incomplete", "x", touched), 1, "failed"],
  [new LoadError("in-doubt", "x", touched), 4, "in-doubt"],
  [new LoadError("unknown-device", "x", untouched), 3, "failed"],
  [new LoadError("cancelled", "x", touched), 130, "cancelled"],
  [new DeviceError("in-use", "vda", "x"), 3, "failed"],
  [new TransportError("connect", "tcp://x:1", "x"), 3, "failed"],
  [new NbdError("unknown-export", "nbd://x:1/y", "x"), 3, "failed"],
  [new QemuError("no-qmp", "unix:///x", "x"), 3, "failed"],
  [new CommandError("guest-lost", "x"), 6, "failed"],
  [new TransportError("destroyed", "tcp://x:1", "x"), 130, "cancelled"],
  [new CommandError("usage", "x"), 2, "failed"],
  [new CommandError("refused", "x"), 3, "failed"],
  [new CommandError("not-a-stream", "x"), 3, "failed"],
  [new CommandError("not-comparable", "x"), 5, "failed"],
  [new CommandError("cancelled", "x"), 130, "cancelled"],
  [new TypeError("x"), 1, "failed"],
])("%s ends with %d, %s", (error, exitCode, event) => {
  expect(endingOf(error)).toMatchObject({ exitCode, event });
});

it("a bug asks to be reported", () => {
  expect(endingOf(new TypeError("x is not a function")).message).toMatch(/please report it: x is not a function/);
});

it("what is in doubt says which migration, and the commands that would end it", () => {
  const commands = ["blkmig resolve --source a --keep m"];
  expect(endingOf(new InDoubt("m", commands, "x"))).toMatchObject({ code: "in-doubt", migration: "m", commands });
});

it("a full disk is said with what to do, wherever in the causes it stands, and nothing else is", () => {
  const system = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
  const record = new JournalError("io", "/x.blkmig", "x", { cause: system });
  const room = /^x; make room there, then start both ends again \(a session: with --resume\)/;
  expect(endingOf(new LoadError("journal", "x", touched, { cause: record })).message).toMatch(room);
  expect(endingOf(new MigrationError("journal", "x", running, { cause: record })).message).toMatch(room);
  const behindNbd = new DeviceError("no-space", "a", "x");
  expect(endingOf(new LoadError("device", "x", touched, { cause: behindNbd })).message).toMatch(room);
  expect(endingOf(new LoadError("journal", "x", touched, { cause: unwritten })).message).not.toMatch(room);
});
