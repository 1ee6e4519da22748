import { Cuts } from "../cuts.ts";
import { refusalIn } from "../finding.ts";
import { CommandError, parseLimits, parseMove, readAnswer, readLines, readRequest } from "../insides.ts";
import type { Feeding, Target } from "../target.ts";
import type { Trace } from "../trace.ts";
import { vary } from "../vary.ts";

const LONGEST_LINE = 2000;

const SAID: readonly object[] = [
  { id: 1, do: "status" },
  { id: 2, do: "version" },
  { id: 3, do: "cancel" },
  { id: 4, do: "limits", "max-bandwidth": "100M", "downtime-limit": "300ms" },
  { id: 5, do: "resolve", migration: "m-1", verdict: "keep" },
  { id: 6, do: "send", to: "tls://there:4711", "token-file": "/token", disk: ["a"], after: "close" },
  { id: 7, do: "send", to: "unix:///run/a", throttle: true, mirror: true, "reconnect-for": "1s", verify: false },
  { id: 8, do: "send", to: "ssh://root@there", "remote-disk": ["a=/x"], "forward-to": "nbd+unix:///?socket=/s" },
  { id: 9, do: "send", to: "tcp://192.0.2.1:1" },
  { id: 1, result: { version: "1.0.0" } },
  { id: 1, event: "progress", transferred: 1 },
  { id: null, error: { code: "usage", "exit-code": 2, message: "no" } },
];

/** What is asked of a running `serve`, and what it answers, line by line. */
export const control: Target = {
  name: "control",
  make(input, random) {
    for (let lines = 1 + random.int(3); lines > 0; lines--) {
      if (random.int(400) === 0) input.fill(0x5b, random.int(3000));
      else input.say(JSON.stringify(vary(random.pick(SAID), random)) ?? "");
      input.say("\n");
    }
  },
  async feed(feeding, trace) {
    try {
      for await (const line of readLines(connectionOf(feeding), LONGEST_LINE)) takeLine(line, trace);
      trace.note("end");
    } catch (error) {
      trace.note(refusalIn(error, CommandError).code ?? "");
    }
  },
  mustReach: [
    "cancel",
    "status",
    "version",
    "limits",
    "resolve",
    "send",
    "move",
    "limits that are meant",
    "answer event",
    "answer result",
    "answer error",
    "usage",
    "refused",
    "not-a-stream",
    "end",
  ],
};

function connectionOf({ bytes, seed }: Feeding): Parameters<typeof readLines>[0] {
  const cuts = new Cuts(seed, bytes.length);
  let at = 0;
  return {
    async read(into) {
      const piece = bytes.subarray(at, at + Math.min(cuts.next(), into.length));
      into.set(piece);
      at += piece.length;
      return piece.length;
    },
  };
}

function takeLine(line: string, trace: Trace): void {
  const answered = readAnswer(line);
  if (answered) trace.note(`answer ${answered.answer.type}`);
  const read = readRequest(line);
  if ("error" in read) return trace.note(refusalIn(read.error, CommandError).code ?? "", read.id ?? -1);
  const { request } = read;
  trace.note(request.do, request.id);
  try {
    if (request.do === "limits") parseLimits(request.words);
    if (request.do === "limits") trace.note("limits that are meant");
    if (request.do === "send") parseMove(request.words);
    if (request.do === "send") trace.note("move");
  } catch (error) {
    trace.note(refusalIn(error, CommandError).code ?? "");
  }
}
