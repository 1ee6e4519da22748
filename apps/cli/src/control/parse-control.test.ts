import { expect, it } from "vitest";

import { parseControl } from "./parse-control.ts";

it.each([
  ["/run/vm.ctl", "/run/vm.ctl"],
  ["vm.ctl", `${process.cwd()}/vm.ctl`],
  ["./a:b", `${process.cwd()}/a:b`],
  ["unix:///run/a%20b", "/run/a b"],
])("%s is the socket %s", (text, path) => expect(parseControl(text, "--control")).toBe(path));

it.each([
  ["", /--control: the socket has no name/],
  ["unix:vm.ctl", /three slashes/],
  ["tcp://127.0.0.1:1", /is no socket of this machine/],
  ["nbd://127.0.0.1", /'nbd' is no kind of wire/],
])("'%s' is refused", (text, message) =>
  expect(() => parseControl(text, "--control")).toThrow(
    expect.objectContaining({ code: "usage", message: expect.stringMatching(message) }),
  ),
);
