import { Cuts } from "../cuts.ts";
import { refusalIn } from "../finding.ts";
import { decodeMessage, QmpLines, QmpMalformed } from "../insides.ts";
import type { Target } from "../target.ts";
import { vary } from "../vary.ts";

const LONGEST_LINE = 2000;

const SAID: readonly object[] = [
  { QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: " Debian" }, capabilities: ["oob"] } },
  { return: {}, id: "blkmig-1" },
  { return: [{ device: "drive0", inserted: { "node-name": "n0", image: { "virtual-size": 1 } } }], id: "blkmig-2" },
  { id: "blkmig-3", error: { class: "GenericError", desc: "no such device" } },
  { error: { class: "GenericError", desc: "JSON parse error" } },
  { timestamp: { seconds: 1, microseconds: 2 }, event: "STOP" },
  { timestamp: { seconds: -1, microseconds: -1 }, event: "BLOCK_JOB_READY", data: { device: "j", len: 1, offset: 1 } },
];

/** What QEMU's monitor says, line by line. */
export const qmp: Target = {
  name: "qmp",
  make(input, random) {
    for (let lines = 1 + random.int(4); lines > 0; lines--) {
      if (random.int(60) === 0) input.say("HTTP/1.1 400 Bad Request");
      else if (random.int(400) === 0) input.fill(0x7b, random.int(3000));
      else input.say(JSON.stringify(vary(random.pick(SAID), random)) ?? "");
      input.say(random.pick(["\r\n", "\n", "\n\n", "  \n"]));
    }
  },
  feed({ bytes, seed, variant }, trace) {
    const lines = variant % 2 === 0 ? new QmpLines() : new QmpLines(LONGEST_LINE);
    const cuts = new Cuts(seed, bytes.length);
    try {
      for (let at = 0; at < bytes.length;) {
        const end = Math.min(at + cuts.next(), bytes.length);
        for (const line of lines.accept(bytes.subarray(at, end))) {
          const message = decodeMessage(line);
          trace.note(message.is);
          if (message.is === "event") trace.note("at", message.event.at);
        }
        at = end;
      }
      trace.note("end");
    } catch (error) {
      const { message } = refusalIn(error, QmpMalformed);
      trace.note(message.startsWith("a line of more") ? "too long" : "malformed");
    }
  },
  // Lines that came together with one that is none are not looked at.
  cutsMatter: true,
  mustReach: ["greeting", "return", "error", "event", "malformed", "too long", "end"],
};
