import type { CostJob, CostRounds } from "./cost-job.ts";
import { type Cost, memoryOf, promisesOf } from "./cost-round.ts";

/** So that all is compiled that will be, and made that is made lazily. */
const WARM_UPS = 8;
/** Of so many counts the lowest is taken: it is the most stable. */
const [ROUNDS, ROUNDS_OF_PROMISES] = [3, 2];
/** A long round is so many short ones: what both cost, such as a session's beginning and end, is no block's. */
const LONG = 3;

/** What one block of a job costs. Throws if the heap is collected however few blocks are done. */
export async function measureCost(job: CostJob): Promise<Cost> {
  await using rounds = await job.open();
  const memory = await memoryOfBlock(rounds, job);
  const promises = async (blocks: number): Promise<number> => {
    const counts: number[] = [];
    for (let round = 0; round < ROUNDS_OF_PROMISES; round++) counts.push(await promisesOf(() => rounds.run(blocks)));
    return Math.min(...counts);
  };
  return { ...memory, promises: ofBlock(job.blocks, await promises(job.blocks), await promises(LONG * job.blocks)) };
}

async function memoryOfBlock(
  rounds: CostRounds,
  { name, blocks }: Pick<CostJob, "name" | "blocks">,
): Promise<Pick<Cost, "heap" | "buffers">> {
  for (let round = 0; round < WARM_UPS; round++) {
    await rounds.run(blocks);
    await rounds.run(LONG * blocks);
  }
  const short = await leastMemory(rounds, blocks);
  const long = await leastMemory(rounds, LONG * blocks);
  if (short && long) {
    return { heap: ofBlock(blocks, short.heap, long.heap), buffers: ofBlock(blocks, short.buffers, long.buffers) };
  }
  if (blocks < 4) throw new Error(`${name}: the heap is collected while ${LONG * blocks} blocks are done`);
  return memoryOfBlock(rounds, { name, blocks: blocks / 2 });
}

/** Of those rounds in which nothing was collected; undefined if there is none. */
async function leastMemory(rounds: CostRounds, blocks: number) {
  const all: Pick<Cost, "heap" | "buffers">[] = [];
  await memoryOf(() => rounds.run(blocks)); // the first to be watched is another than those after it, by some per cent
  for (let round = 0; round < ROUNDS; round++) {
    const memory = await memoryOf(() => rounds.run(blocks));
    if (memory !== "collected") all.push(memory);
  }
  if (all.length === 0) return undefined;
  return {
    heap: Math.min(...all.map(({ heap }) => heap)),
    buffers: Math.min(...all.map(({ buffers }) => buffers)),
  };
}

function ofBlock(blocks: number, short: number, long: number): number {
  return Math.round((10 * (long - short)) / ((LONG - 1) * blocks)) / 10;
}
