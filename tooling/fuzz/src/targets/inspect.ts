import { ProtocolError } from "@blkmig/protocol";

import { Cuts } from "../cuts.ts";
import { Finding, refusalIn } from "../finding.ts";
import { createBlockReport, createSessionReport, recognise } from "../insides.ts";
import type { Feeding, Target } from "../target.ts";
import type { Trace } from "../trace.ts";
import { classic } from "./classic.ts";
import { envelope } from "./envelope.ts";
import { ramPages } from "./ram-pages.ts";
import { repairChecksums, sessionFrames } from "./session-frames.ts";
import { sessionMessages } from "./session-messages.ts";

const STREAMS = [classic, envelope, ramPages, sessionFrames, sessionMessages] as const;
const SESSION_BYTE = 0x89;

/** What `inspect` makes of any stream: a line for each thing in it, and a summary. */
export const inspect: Target = {
  name: "inspect",
  make(input, random) {
    random.pick(STREAMS).make(input, random);
  },
  repair(input, random) {
    if (input.bytes[0] === SESSION_BYTE) repairChecksums(input, random);
  },
  async feed(feeding, trace) {
    const { is } = recognise(feeding.bytes);
    trace.note(is);
    if (is === "foreign" || is === "undecided") return;
    const begun = { is, chunks: chunksOf(feeding) };
    const report = is === "session" ? createSessionReport(begun) : createBlockReport(begun);
    try {
      for await (const line of report.lines) assertShort(line.text() + JSON.stringify(line.fields()), feeding);
      trace.note("end");
    } catch (error) {
      trace.note(refusalIn(error, ProtocolError).code ?? "");
    }
    summarise(report, feeding, trace);
  },
  mustReach: [
    "classic",
    "qemu",
    "session",
    "foreign",
    "end",
    "truncated",
    "unknown-flags",
    "bad-offset",
    "bad-section",
    "bad-checksum",
    "bad-frame",
    "bad-message",
    "summary",
  ],
};

async function* chunksOf({ bytes, seed }: Feeding): AsyncGenerator<Uint8Array> {
  const cuts = new Cuts(seed, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(at + Math.max(cuts.next(), 64), bytes.length); // an await for each byte would be slow
    yield bytes.subarray(at, end);
    at = end;
  }
}

function summarise(report: ReturnType<typeof createBlockReport>, { bytes }: Feeding, trace: Trace): void {
  const { lines, ended } = report.summary(bytes.length, "damaged");
  if (ended === "" || lines.length === 0) throw new Finding("has nothing to say of the whole");
  trace.note("summary", lines.length);
}

/** A line is of one thing: it may not be many times longer than what came. */
function assertShort(line: string, { bytes }: Feeding): void {
  if (line.length > 4000 + 20 * bytes.length)
    throw new Finding(`says ${line.length} characters of ${bytes.length} bytes`);
}
