import { identifyDisk, sameDisk } from "@blkmig/device";
import { expect, it } from "vitest";

import { identifyAnyDisk } from "./identify-any-disk.ts";
import { assertGuarded, parseNbdDisk } from "./nbd-disk-url.ts";

const guard =
  (text: string, insecure = false) =>
  () =>
    assertGuarded(parseNbdDisk(text), insecure);

it.each(["nbd://127.0.0.1/a", "nbd://[::1]:1/a", "nbd://localhost/", "nbds://192.0.2.1/a", "nbd+unix:///a?socket=/x"])(
  "%s needs nothing said",
  (text) => expect(guard(text)).not.toThrow(),
);

it.each(["nbd://192.0.2.1/a", "nbd://host.example/a", "nbd://0.0.0.0/a"])("%s needs --insecure", (text) => {
  expect(guard(text)).toThrow(expect.objectContaining({ code: "refused" }));
  expect(guard(text, true)).not.toThrow();
});

it("what is no NBD URL is an error of usage", () => {
  expect(() => parseNbdDisk("nbd:a")).toThrow(expect.objectContaining({ code: "usage" }));
});

it("a disk behind NBD is known by its URL, however it is written, and without its keys", async () => {
  const disk = await identifyAnyDisk("nbd://host/a%62");
  expect(disk).toEqual({ url: "nbd://host:10809/ab" });
  expect(sameDisk(disk, await identifyAnyDisk("nbd://host:10809/ab"))).toBe(true);
  expect(sameDisk(disk, await identifyAnyDisk("nbds://host/ab?tls-psk-file=/x"))).toBe(false);
  expect(sameDisk(disk, await identifyDisk("/"))).toBe(false);
});
