import { parseNbdUrl } from "@blkmig/nbd";
import { parseWireUrl } from "@blkmig/transport/url";
import { describe, expect, it } from "vitest";

import { chooseForward, type ForwardChoice, formatForward } from "./forward-url.ts";

const choice = (to: string, more: Partial<ForwardChoice> = {}): ForwardChoice => ({
  to: parseWireUrl(to),
  listen: false,
  forwardTo: undefined,
  insecure: true,
  ...more,
});

describe("a receiver that listens everywhere is reached where it is dialled", () => {
  it.each([
    ["nbd://0.0.0.0:10810", "tcp://10.0.0.2:4711", "nbd://10.0.0.2:10810"],
    ["nbd://[::]:10810", "tls://backup.example:4711", "nbd://backup.example:10810"],
    ["nbd://[0:0:0:0:0:0:0:0]:1", "ws://[fe80::1]:80/x", "nbd://[fe80::1]:1"],
    ["nbd://0.0.0.0:10810", "ssh://root@backup.example", "nbd://backup.example:10810"],
    ["nbd://0.0.0.0:10810", "unix:///run/a", "nbd://localhost:10810"],
    ["nbd://10.0.0.3:1", "tcp://10.0.0.2:4711", "nbd://10.0.0.3:1"],
    ["nbd+unix:///?socket=/run/b", "tcp://10.0.0.2:4711", "nbd+unix:///?socket=/run/b"],
  ])("%s, dialled at %s: %s", (announced, to, expected) => {
    expect(formatForward(chooseForward(announced, choice(to)))).toBe(expected);
  });

  it("unless it dials us", () => {
    const dials = choice("tcp://0.0.0.0:4711", { listen: true });
    expect(() => chooseForward("nbd://0.0.0.0:10810", dials)).toThrow(/by which address .* --forward-to/);
  });
});

describe("refused", () => {
  it.each([
    ["nothing is announced", undefined, {}, /--nbd URL/],
    ["what is announced is no URL", "http://a", {}, /"http:\/\/a": .*--forward-to/],
    ["it is clear text to another machine", "nbd://10.0.0.3:1", { insecure: false }, /clear text.*--insecure/],
    ["it needs keys that nobody names", "nbds://10.0.0.3:1", {}, /no keys .*tls-certificates/],
    [
      "--forward-to is clear text to another machine",
      undefined,
      { insecure: false, forwardTo: parseNbdUrl("nbd://10.0.0.3:1") },
      /clear text/,
    ],
  ])("%s", (_, announced, more, why) => {
    expect(() => chooseForward(announced, choice("tcp://10.0.0.2:4711", more))).toThrow(why);
    expect(() => chooseForward(announced, choice("tcp://10.0.0.2:4711", more))).toThrow(
      expect.objectContaining({ code: "refused" }),
    );
  });
});

it("--forward-to comes before what is announced, and its export name is not used", () => {
  const forwardTo = parseNbdUrl("nbd://10.0.0.9:7/other");
  const chosen = chooseForward("nbd://10.0.0.3:1", choice("tcp://10.0.0.2:4711", { forwardTo }));
  expect(formatForward(chosen)).toBe("nbd://10.0.0.9:7");
});

it.each([
  "nbds://al%40ice@[fe80::1]:7?tls-psk-file=%2Fetc%2Fa%26b",
  "nbds+unix:///?socket=/run/b%20c&tls-certificates=%2Fetc%2Fpki",
  "nbd://10.0.0.9:7",
])("%s is recorded so that it is understood again", (text) => {
  const url = parseNbdUrl(text);
  expect(parseNbdUrl(formatForward(url))).toEqual(url);
});
