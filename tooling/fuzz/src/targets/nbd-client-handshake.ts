import type { SeededRandom } from "@blkmig/testkit";

import { Finding, refusalIn } from "../finding.ts";
import type { Input } from "../input.ts";
import { Malformed, OptionDecoder, offerOf, readContext, readInfo } from "../insides.ts";
import type { Feeding, Target } from "../target.ts";
import type { Trace } from "../trace.ts";
import { driveNbd } from "./drive-nbd.ts";

const MOST_REPLY_BYTES = 64 * 1024;
const REPLY_MAGIC = [0x0003_e889, 0x0455_65a9] as const;
const OLDSTYLE_MAGIC = [0x0000_4202, 0x8186_1253] as const;
const [ACK, SERVER, INFO, CONTEXT, ERR_UNSUP] = [1, 2, 3, 4, 0x8000_0001] as const;
const DIRTY = "qemu:dirty-bitmap:b0";
const CONTEXTS = [
  "base:allocation",
  "qemu:allocation-depth",
  DIRTY,
  "blkmig:link:run:disk",
  "blkmig:link:run",
  "other:x",
  "blkmig:link:%zz:disk",
] as const;

/** What servers say to our NBD client before the first request. */
export const nbdClientHandshake: Target = {
  name: "nbd-client-handshake",
  make(input, random) {
    input.say("NBDMAGIC");
    if (random.int(30) === 0) input.u32(OLDSTYLE_MAGIC[0]).u32(OLDSTYLE_MAGIC[1]);
    else input.say("IHAVEOPT").u16(random.int(8));
    for (let replies = random.int(8); replies > 0; replies--) writeReply(input, random);
    if (random.int(4) === 0)
      input
        .u64(2 ** 20)
        .u16(random.int(0x1000))
        .fill(0, random.int(2) * 124);
  },
  feed(feeding, trace) {
    try {
      trace.note(feedReplies(feeding, trace));
    } catch (error) {
      refusalIn(error, Malformed);
      trace.note("malformed");
    }
  },
  mustReach: ["greeting", "oldstyle", "reply", "export", "info", "context", "offer", "malformed", "end"],
};

function feedReplies(feeding: Feeding, trace: Trace): string {
  const decoder = new OptionDecoder();
  const infos: ReturnType<typeof readInfo>[] = [];
  let left = feeding.variant % 8; // replies until the client asks for the export by its name
  const end = driveNbd(decoder, feeding, {
    mostBytes: MOST_REPLY_BYTES,
    take(frame) {
      trace.note(frame.type);
      if (frame.type === "oldstyle") return "stop";
      if (frame.type === "export") infos.push({ size: frame.size, flags: frame.flags });
      if (frame.type === "export" || frame.type === "greeting") return "go on";
      trace.note("of", frame.option, frame.kind);
      trace.bytes(frame.data);
      if (frame.kind === INFO) infos.push(noted("info", readInfo(frame.data), trace));
      if (frame.kind === CONTEXT) noted("context", readContext(frame.data, DIRTY), trace);
      if (left-- === 1) decoder.expectExport(feeding.variant % 16 < 8 ? "with zeroes" : "without zeroes");
      return "go on";
    },
  });
  if (infos.length === 0) return end;
  const { size, blockSizes } = offerOf(infos);
  const { minimum, maximum } = blockSizes;
  if (!Number.isSafeInteger(size) || size < 0) throw new Finding(`is offered a disk of ${size} bytes`);
  if (minimum < 1 || maximum < minimum || maximum % minimum !== 0) {
    throw new Finding(`would ask for ${minimum} to ${maximum} bytes`);
  }
  trace.note("offer", size, maximum);
  return end;
}

function noted<Said extends object>(what: string, said: Said, trace: Trace): Said {
  trace.note(what, Object.keys(said).length);
  return said;
}

function writeReply(input: Input, random: SeededRandom): void {
  const kind = random.pick([ACK, SERVER, INFO, INFO, INFO, CONTEXT, CONTEXT, ERR_UNSUP]);
  input
    .u32(REPLY_MAGIC[0])
    .u32(REPLY_MAGIC[1])
    .u32(1 + random.int(11))
    .u32(kind)
    .u32(0);
  const at = input.length;
  if (kind === INFO && random.int(3) > 0)
    input
      .u16(0)
      .u64(random.int(2 ** 30) * 512)
      .u16(random.int(0x1000));
  else if (kind === INFO)
    input
      .u16(3)
      .u32(1 << random.int(18))
      .u32(4096)
      .u32(random.pick([0xffff_ffff, 2 ** 25, 0]));
  if (kind === CONTEXT) input.u32(random.int(5)).say(random.pick(CONTEXTS));
  if (kind === ERR_UNSUP || kind === SERVER) input.say("a sentence of the server's");
  input.patch(at - 4, random.int(80) === 0 ? 65_537 : input.length - at);
}
