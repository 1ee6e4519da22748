import { createRandom } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { createExtentQueue } from "./extent-queue.ts";

describe("createExtentQueue", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "begins each request when all earlier ones that overlap have settled, and not later: seed %i",
    async (seed) => {
      const random = createRandom(seed);
      const queue = createExtentQueue();
      const requests: ReturnType<typeof createRequest>[] = [];
      // Now many that overlap, now many that wait side by side.
      const size = seed % 2 === 0 ? 100 : 2000;
      for (let nth = 0; nth < 400; nth++) {
        const request = createRequest(random.int(size), random.int(random.pick([3, 10, 60])));
        request.answer = queue.run(request.offset, request.length, request.begin);
        request.answer.catch(() => {}); // some fail, as planned
        requests.push(request);
        await turns();
        // What waits builds up for a while, and is let go down to a few.
        const settling = random.int(nth % 100 < 70 ? 2 : 6);
        for (let left = settling; left > 0; left--) {
          const begun = requests.filter(({ state }) => state === "begun");
          if (begun.length > 0) random.pick(begun).settle(random.int(5) === 0 ? new Error("no") : undefined);
          await turns();
        }
        for (const [index, { state }] of requests.entries()) {
          const isHeld = requests.slice(0, index).some((earlier) => mustGoBefore(earlier, requests[index]!));
          expect(state === "waiting").toBe(isHeld);
        }
      }
    },
  );

  it("settles as the request does, and a failure keeps nobody waiting", async () => {
    const queue = createExtentQueue();
    const failed = queue.run(0, 10, async () => {
      throw new Error("no");
    });
    const next = queue.run(5, 10, async () => 7);
    await expect(failed).rejects.toThrow("no");
    expect(await next).toBe(7);
  });

  it("bears a great many requests at one place, and across each other", async () => {
    const queue = createExtentQueue();
    const order: number[] = [];
    const many = Array.from({ length: 50_000 }, (_, nth) => nth);
    // Each waiting for all before it would be more than a thousand million promises.
    await Promise.all(many.map((nth) => queue.run(nth % 2, 2, async () => void order.push(nth))));
    expect(order).toEqual(many);
  });
});

/** A request that begins when the queue says so and settles when the test does. */
function createRequest(offset: number, length: number) {
  const settling = Promise.withResolvers<void>();
  const request = {
    offset,
    length,
    state: "waiting",
    answer: Promise.resolve(),
    async begin(): Promise<void> {
      request.state = "begun";
      await settling.promise;
    },
    settle(error?: Error): void {
      request.state = "settled";
      if (error === undefined) settling.resolve();
      else settling.reject(error);
    },
  };
  return request;
}

type Request = ReturnType<typeof createRequest>;

function mustGoBefore(earlier: Request, later: Request): boolean {
  if (earlier.state === "settled" || earlier.length === 0 || later.length === 0) return false;
  return earlier.offset < later.offset + later.length && later.offset < earlier.offset + earlier.length;
}

/** Long enough for whatever can go on without us: every microtask, and then a turn of the event loop. */
async function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
