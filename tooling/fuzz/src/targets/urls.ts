import { formatNbdUrl, parseNbdUrl } from "@blkmig/nbd";
import type { SeededRandom } from "@blkmig/testkit";
import { parseToken } from "@blkmig/transport/tls";
import { formatWireUrl, isLocal, parseWireUrl } from "@blkmig/transport/url";

import { Finding, refusalIn } from "../finding.ts";
import type { Input } from "../input.ts";
import type { Target } from "../target.ts";

const text = new TextDecoder();
const HOSTS = ["host", "10.0.0.2", "[::1]", "[fe80::1%25eth0]", "::1", "", "-x", "a_b.example", "[::g]"] as const;
const PORTS = ["", ":80", ":65535", ":65536", ":0", ":8o", ":"] as const;
const PATHS = ["", "/", "/a", "/run/a%20b", "/%zz", "/%00", "//x", "/é", "/a#b", "/a?c=d", "/%e2%82"] as const;
const NBD_QUERIES = [
  "",
  "?socket=/s",
  "?socket=s",
  "?tls-psk-file=/k",
  "?tls-certificates=/c",
  "?x=1",
  "?socket=/s&socket=/t",
  "?constructor=1",
] as const;

/** What somebody typed as the address of an NBD server. */
export const nbdUrl: Target = {
  name: "nbd-url",
  make(input, random) {
    input.say(random.pick(["nbd", "nbds", "nbd+unix", "nbds+unix", "nbd+vsock", "http", "constructor"]));
    input.say(random.int(20) === 0 ? ":" : "://");
    if (random.int(4) === 0) input.say("alice@");
    if (random.int(3) > 0) writeAuthority(input, random);
    input.say(random.pick(PATHS)).say(random.pick(NBD_QUERIES));
  },
  feed({ bytes }, trace) {
    const typed = text.decode(bytes);
    try {
      const url = parseNbdUrl(typed);
      trace.note(url.at.kind);
      const { at, exportName, secure } = parseNbdUrl(
        formatNbdUrl({ at: url.at, exportName: url.exportName, secure: false }),
      );
      if (secure || exportName !== url.exportName || JSON.stringify(at) !== JSON.stringify(url.at)) {
        throw new Finding("is another address once it was written");
      }
    } catch (error) {
      trace.note(refusedAsTyped(error, typed));
    }
  },
  mustReach: ["tcp", "unix", "refused"],
};

/** What somebody typed as the address of a wire. */
export const wireUrl: Target = {
  name: "wire-url",
  make(input, random) {
    if (random.int(40) === 0) return void input.say("-");
    input.say(random.pick(["tcp", "tls", "ws", "wss", "unix", "file", "ssh", "stdio", "http", "toString"]));
    input.say(random.int(6) === 0 ? ":" : "://");
    if (random.int(4) === 0) input.say("root@");
    if (random.int(3) > 0) writeAuthority(input, random);
    input.say(random.pick(PATHS));
  },
  feed({ bytes }, trace) {
    const typed = text.decode(bytes);
    try {
      const url = parseWireUrl(typed);
      trace.note(url.kind);
      trace.note(isLocal(url) ? "local" : "elsewhere");
      if (JSON.stringify(parseWireUrl(formatWireUrl(url))) !== JSON.stringify(url)) {
        throw new Finding("is another address once it was written");
      }
    } catch (error) {
      trace.note(refusedAsTyped(error, typed));
    }
  },
  mustReach: ["tcp", "tls", "ws", "wss", "unix", "file", "ssh", "stdio", "local", "elsewhere", "refused"],
};

/** The token by which two ends of a wire know each other, as it stands in a file. */
export const token: Target = {
  name: "token",
  make(input, random) {
    for (let left = random.int(50); left > 0; left--) input.u8(random.pick([...TOKEN_BYTES]));
    if (random.int(3) === 0) input.say("\n");
  },
  feed({ bytes }, trace) {
    const typed = text.decode(bytes);
    try {
      const { length } = parseToken(typed);
      if (length < 16 || length > typed.length) throw new Finding(`takes a token of ${length} bytes`);
      trace.note("token", length);
    } catch (error) {
      const { message } = refusalIn(error, TypeError);
      if (!message.includes("token")) throw error;
      if (typed.trim().length > 8 && message.includes(typed.trim())) throw new Finding("repeats a secret");
      trace.note("refused");
    }
  },
  mustReach: ["token", "refused"],
};

const TOKEN_BYTES = new TextEncoder().encode("ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789-_");

function writeAuthority(input: Input, random: SeededRandom): void {
  input.say(random.pick(HOSTS)).say(random.pick(PORTS));
}

/** A `TypeError` is for who typed it: one that does not begin with what was typed comes from within. */
function refusedAsTyped(error: unknown, typed: string): "refused" {
  const { message } = refusalIn(error, TypeError);
  if (!message.startsWith(`'${typed}': `) || !message.includes("for example")) throw error;
  return "refused";
}
