import { createRandom } from "@blkmig/testkit";

import type { BlockCoverage } from "./block-coverage.ts";
import { Finding } from "./finding.ts";
import { Input } from "./input.ts";
import { heldBytes } from "./memory.ts";
import { mutate } from "./mutate.ts";
import { Pool } from "./pool.ts";
import type { Feeding, Target } from "./target.ts";
import { Trace } from "./trace.ts";

/** What is to be done to one decoder. */
export interface Campaign {
  readonly target: Target;
  /** The same inputs come of the same seed. */
  readonly seed: number;
  readonly inputs: number;
  /** When to stop before that; milliseconds of `performance.now()`. */
  readonly until?: number;
  /** Inputs that reach new blocks of the decoder's code are kept; undefined: those that are answered in a new way are. */
  readonly coverage?: BlockCoverage;
  /** Told now and then how many inputs there were. */
  readonly onProgress?: (inputs: number) => void;
  /** Shown each input before it is fed: who never comes back from it can be asked for it. */
  readonly onInput?: (feeding: Feeding) => void;
}

/** How it went. */
export interface Outcome {
  readonly inputs: number;
  readonly ms: number;
  /** The longest input, bytes. */
  readonly longest: number;
  /** The most that was held at once, bytes, garbage too. */
  readonly peakBytes: number;
  /** How much more was held at the end than when the first tenth, or the first thousands, were over, bytes, without garbage. */
  readonly grownBytes: number;
  /** Blocks of code that were reached; 0 where nobody looked. */
  readonly blocks: number;
  /** What was reached, and how often. */
  readonly reached: ReadonlyMap<string, number>;
  readonly failure?: Failure;
}

export interface Failure extends Feeding {
  readonly error: unknown;
}

/** Inputs between two looks at the clock, the memory and the coverage. */
const ROUND = 2000;
/** So many inputs have compiled what there is to compile; a run that is ended by the clock may not see many more. */
const WARM = 4000;
/** Counting blocks costs half of the speed: after so many rounds without a new one, nobody looks any more. */
const BARREN_ROUNDS = 100;
/** One input in so many is fed twice more: the same way, and over a wire that is cut elsewhere. */
const AGAIN = 16;

/** Feeds a decoder until it fails, or the inputs are over. */
export async function runCampaign(campaign: Campaign): Promise<Outcome> {
  const { target, inputs, until = Infinity, coverage } = campaign;
  const random = createRandom(campaign.seed);
  const [input, pool, trace] = [new Input(), new Pool(random), new Trace()];
  const begun = performance.now();
  const warm = Math.min(Math.ceil(inputs / 10), WARM);
  let [longest, peakBytes, heldAtFirst, done, barren] = [0, 0, 0, 0, 0];
  let failure: Failure | undefined;

  while (done < inputs && !failure && performance.now() < until) {
    const end = Math.min(done + ROUND, inputs);
    for (; done < end && !failure; done++) {
      prepare(target, input, pool);
      longest = Math.max(longest, input.length);
      const feeding = { bytes: input.made, seed: random.int(2 ** 30), variant: random.int(256) };
      campaign.onInput?.(feeding);
      failure = await failureOf(target, feeding, trace, done % AGAIN === 0);
      if (trace.isNovel) pool.keep(input.made);
      else pool.mayKeep(input.made, done);
    }
    if (coverage && barren < BARREN_ROUNDS) {
      barren = coverage.hasGrown() ? 0 : barren + 1;
      if (barren === 0) pool.settle();
      if (barren === BARREN_ROUNDS) coverage.end();
    }
    peakBytes = Math.max(peakBytes, heldBytes("with garbage"));
    if (heldAtFirst === 0 && done >= warm) heldAtFirst = heldBytes("without garbage");
    campaign.onProgress?.(done);
  }
  const grownBytes = Math.max(0, heldBytes("without garbage") - (heldAtFirst || Infinity));
  const counted = { inputs: done, longest, peakBytes, grownBytes, blocks: coverage?.blocks ?? 0 };
  const outcome = { ...counted, ms: performance.now() - begun, reached: trace.reached };
  return failure ? { ...outcome, failure } : outcome;
}

/** Makes the next input: a new one or one that had something to say, mostly damaged. */
function prepare(target: Target, input: Input, pool: Pool): void {
  const { random } = pool;
  const kept = random.int(3) === 0 ? pool.pick() : undefined;
  input.length = 0;
  if (kept) input.become(kept);
  else target.make(input, random);
  if (!kept && random.int(3) === 0) return;
  mutate(input, random, pool.inputs);
  if (random.int(8) > 0) target.repair?.(input, random);
}

/** Why an input is a failure, if it is: what was thrown, or that it is answered in two ways. */
export async function failureOf(
  target: Target,
  feeding: Feeding,
  trace: Trace,
  again: boolean,
): Promise<Failure | undefined> {
  trace.begin();
  try {
    const fed = target.feed(feeding, trace);
    if (fed) await fed;
    if (again) await assertSame(target, feeding, trace.digest);
    return undefined;
  } catch (error) {
    return { ...feeding, bytes: feeding.bytes.slice(), error };
  }
}

async function assertSame(target: Target, feeding: Feeding, digest: number): Promise<void> {
  if ((await digestOf(target, feeding)) !== digest) throw new Finding("answers the same input in two ways");
  if (target.cutsMatter) return;
  const elsewhere = { ...feeding, seed: feeding.seed + 1 };
  if ((await digestOf(target, elsewhere)) === digest) return;
  throw new Finding(`answers otherwise where the wire is cut otherwise (seed ${elsewhere.seed})`);
}

async function digestOf(target: Target, feeding: Feeding): Promise<number> {
  const trace = new Trace();
  await target.feed(feeding, trace);
  return trace.digest;
}
