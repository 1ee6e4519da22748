import fc from "fast-check";
import { expect, test } from "vitest";

import type { NbdUrl } from "./nbd-contract.ts";
import { formatNbdUrl, isNbdUrl, parseNbdUrl } from "./nbd-url.ts";

const tcp = (host: string, port = 10_809) => ({ kind: "tcp", host, port }) as const;
const unix = (path: string) => ({ kind: "unix", path }) as const;
const clear = { exportName: "", secure: false };

const written: [string, NbdUrl][] = [
  ["nbd://10.0.0.2:4711", { ...clear, at: tcp("10.0.0.2", 4711) }],
  ["nbd://backup.example:10809/vda", { ...clear, at: tcp("backup.example"), exportName: "vda" }],
  ["nbd://[::1]:0/a/b%20c", { ...clear, at: tcp("::1", 0), exportName: "a/b c" }],
  ["nbd://[fe80::1%25eth0]:10809", { ...clear, at: tcp("fe80::1%eth0") }],
  ["nbd://host:1//a%3Fb%23c%25", { ...clear, at: tcp("host", 1), exportName: "/a?b#c%" }],
  ["nbds://host:1/%C3%A4", { at: tcp("host", 1), exportName: "ä", secure: true }],
  ["nbd+unix:///?socket=/run/a", { ...clear, at: unix("/run/a") }],
  ["nbd+unix:///vda?socket=/run/a%26b%20c%2B", { ...clear, at: unix("/run/a&b c+"), exportName: "vda" }],
  ["nbds+unix:///vda?socket=/run/a", { at: unix("/run/a"), exportName: "vda", secure: true }],
];

test.each(written)("%s is understood, and written the same", (text, url) => {
  expect(parseNbdUrl(text)).toEqual(url);
  expect(formatNbdUrl(url)).toBe(text);
});

test("what may be left out is filled in", () => {
  expect(parseNbdUrl("nbd://host")).toEqual({ ...clear, at: tcp("host") });
  expect(parseNbdUrl("nbd://host/")).toEqual({ ...clear, at: tcp("host") });
  expect(parseNbdUrl("nbd+unix://?socket=/run/a")).toEqual({ ...clear, at: unix("/run/a") });
});

test("a user and key files are understood, and not written", () => {
  const byKey = parseNbdUrl("nbds+unix://alice%40home@/vda?socket=/run/a&tls-psk-file=/etc/keys+1.psk");
  expect(byKey).toMatchObject({ user: "alice@home", pskFile: "/etc/keys+1.psk", secure: true });
  expect(formatNbdUrl(byKey)).toBe("nbds+unix:///vda?socket=/run/a");
  const byCertificate = parseNbdUrl("nbds://alice@[::1]/?tls-certificates=certs");
  expect(byCertificate).toEqual({ at: tcp("::1"), exportName: "", secure: true, user: "alice", certificates: "certs" });
  expect(formatNbdUrl(byCertificate)).toBe("nbds://[::1]:10809");
});

test("any name of at most 4096 bytes comes back, and no longer one", () => {
  const name = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(name, name, fc.boolean(), (exportName, file, secure) => {
      for (const at of [tcp("host"), unix(`/${file}`)]) {
        const url = { at, exportName, secure };
        expect(parseNbdUrl(formatNbdUrl(url))).toEqual(url);
      }
    }),
  );
  expect(parseNbdUrl(`nbd://host/${"%C3%A4".repeat(2048)}`).exportName).toBe("ä".repeat(2048));
  expect(() => parseNbdUrl(`nbd://host/${"%C3%A4".repeat(2048)}x`)).toThrow(
    "at most 4096 bytes, and this one has 4097",
  );
});

test.each([
  ["", "'' is no kind of NBD"],
  ["tcp://host:1", "'tcp' is no kind of NBD"],
  ["constructor://host", "is no kind of NBD"],
  ["nbd+vsock://2", "vsock is not spoken here"],
  ["nbds+vsock://2:10809", "vsock is not spoken here"],
  ["nbd+tcp://host", "'nbd+tcp' is no kind of NBD"],
  ["nbd:host:80", "it should be //host:port/export"],
  ["nbd://", "the host is missing"],
  ["nbd:///vda", "the host is missing"],
  ["nbd://ho st", "is no host"],
  ["nbd://::1/vda", "in brackets"],
  ["nbd://[::g]", "is no IPv6 address"],
  ["nbd://[::1]x", "it should be //host:port/export"],
  ["nbd://host:65536", "'65536' is no port"],
  ["nbd://host:/vda", "'' is no port"],
  ["nbd://@host", "the user before '@' is missing"],
  ["nbd://host/a#b", "fragment"],
  ["nbd://host/a%zz", "two hex digits"],
  ["nbd://host/%ff", "two hex digits of UTF-8"],
  ["nbd://host/a%00", "a zero byte"],
  ["nbd://host/?socket=/run/a", "goes with nbd+unix:"],
  ["nbd+unix:///vda", "the socket is missing"],
  ["nbd+unix:///vda?socket=", "'socket=' is empty"],
  ["nbd+unix:///vda?socket=run/a", "must be an absolute path"],
  ["nbd+unix://host/vda?socket=/run/a", "three slashes"],
  ["nbd+unix://:1/vda?socket=/run/a", "three slashes"],
  ["nbd+unix:///?socket=/run/a&socket=/run/b", "'socket=' is given twice"],
  ["nbds://host/?tls-hostname=b", "the parameter 'tls-hostname' is unknown: there are socket, tls-psk-file"],
  ["nbds://host/?constructor=b", "the parameter 'constructor' is unknown"],
  ["nbd://host/?tls-psk-file=/k", "write 'nbds' for 'nbd'"],
  ["nbd+unix:///?socket=/run/a&tls-certificates=/k", "write 'nbds' for 'nbd'"],
  ["nbds://host/?tls-psk-file=/k&tls-certificates=/c", "not both"],
])("%s is refused: %s", (text, why) => {
  expect(() => parseNbdUrl(text)).toThrow(TypeError);
  expect(() => parseNbdUrl(text)).toThrow(why);
  expect(() => parseNbdUrl(text)).toThrow("for example nbd");
});

test.each([
  ["nbd://host", true],
  ["nbds:x", true],
  ["nbd+unix:///?socket=/a", true],
  ["nbds+unix:", true],
  ["nbd+vsock://2", true],
  ["nbd", false],
  ["nbdx://host", false],
  ["/dev/nbd0", false],
  ["tcp://nbd:1", false],
])("%s means to be an NBD URL: %s", (text, means) => {
  expect(isNbdUrl(text)).toBe(means);
});
