import { createRandom } from "@blkmig/testkit";
import { type Connection, memoryPair } from "@blkmig/transport/memory";

import { createFrameSplitter, frameOf, messageOf, PREFACE, type SplitFrame, spokenIn } from "./session-bytes.ts";

const HIGHEST = 2n ** 64n - 1n;
/** Before each frame, so that each direction of any migration has had all of them. */
const STRANGERS = 16;

/** What a later version 2 may add. */
const OPTIONAL = [
  messageOf('{"say":"weather","optional":true,"sky":{"clouds":[1,2,3]}}'),
  messageOf('{"optional":true,"attempt":"none","say":"hail-mary"}'),
];

/** A wire between a source and a sink that puts into both directions whatever a later version 2 may add. */
export interface EmbellishedWire {
  readonly source: Connection;
  readonly sink: Connection;
  /** Which types were put in, and how many messages had something added: of each direction. */
  readonly added: Readonly<Record<"source" | "sink", { readonly types: Set<number>; keys: number }>>;
}

export interface Embellishing {
  readonly seed: number;
  /** The longest payload that may be passed over. */
  readonly frameBytes: number;
}

export function embellishedWire({ seed, frameBytes }: Embellishing): EmbellishedWire {
  const random = createRandom(seed);
  const [source, fromSource] = memoryPair();
  const [sink, fromSink] = memoryPair({ split: (available) => 1 + random.int(available) });
  const added = { source: { types: new Set<number>(), keys: 0 }, sink: { types: new Set<number>(), keys: 0 } };
  const next = { source: 0x80, sink: 0x80 };

  /** One frame that nobody knows: of each type in its turn, with fields that could be of no other. */
  const stranger = (whose: "source" | "sink"): Uint8Array => {
    const type = next[whose];
    next[whose] = type === 0xff ? 0x80 : type + 1;
    added[whose].types.add(type);
    const payload = random.bytes(random.pick([0, 1, 31, 4000, frameBytes]));
    const payloadCrc = 0xdead_beef; // nobody looks at it
    return frameOf({ type, flags: 0xff, disk: 0xffff, offset: HIGHEST, length: HIGHEST, payloadCrc }, payload);
  };

  const embellish = (frame: SplitFrame, whose: "source" | "sink"): Uint8Array => {
    const said = spokenIn(frame);
    if (!said) return frame.bytes;
    added[whose].keys++;
    const features = "features" in said ? { features: ["time-travel", "x".repeat(64)] } : {};
    return messageOf(JSON.stringify({ colour: "red", ...said, ...features, more: { say: "refused", attempt: -1 } }));
  };

  const relay = async (from: Connection, to: Connection, whose: "source" | "sink"): Promise<void> => {
    const split = createFrameSplitter();
    const buffer = new Uint8Array(64 * 1024);
    await to.send([PREFACE]);
    for (let isFirst = true; ;) {
      const bytes = await from.read(buffer);
      if (bytes === 0) return to.finish();
      for (const frame of split(buffer.slice(0, bytes))) {
        // HELLO and its answer come first, whatever is added: only behind them strangers may come.
        const strangers = Array.from({ length: STRANGERS }, () => stranger(whose));
        const before = isFirst ? [] : [...strangers, random.pick(OPTIONAL)];
        isFirst = false;
        await to.send([...before, embellish(frame, whose)]);
      }
    }
  };

  const broken = (end: Connection) => (reason: unknown) => end.destroy(reason as Error);
  relay(fromSource, fromSink, "source").catch(broken(fromSink));
  relay(fromSink, fromSource, "sink").catch(broken(fromSource));
  return { source, sink, added };
}
