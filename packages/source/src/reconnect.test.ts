import { expect, test } from "vitest";

import type { Clock } from "./clock.ts";
import { createReconnector } from "./reconnect.ts";
import { Stop } from "./stop.ts";

/** A reconnector whose time passes as soon as it waits, and what it was told. */
function reconnecting(within = 60_000) {
  let now = 5000;
  const waits: number[] = [];
  const told: string[] = [];
  const clock: Clock = {
    now: () => now,
    async sleep(ms) {
      waits.push(ms);
      now += ms;
    },
  };
  const onFailure = (error: unknown, waitMs: number): void => void told.push(`${String(error)} ${waitMs}`);
  const pass = (ms: number): void => void (now += ms);
  return { again: createReconnector<string>({ clock, within, onFailure }), waits, told, pass, now: clock.now };
}

const broken = (progress = 0, owed = 0) => ({ why: "it was cut", progress, owed });

const never = new AbortController().signal;

/** Fails so many times before it connects. */
const failing = (times: number) => async (): Promise<string> => {
  if (times-- > 0) throw new Error("refused");
  return "connected";
};

test("at first at once, then after waits that double up to 5 s; each is told before", async () => {
  const { again, waits, told } = reconnecting();
  expect(await again.connect(failing(8), broken(0), never)).toBe("connected");
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(told).toEqual(waits.map((wait) => `Error: refused ${wait}`));
});

test("a connection that was of use is followed by one at once, one that was not by a longer wait", async () => {
  const { again, waits } = reconnecting();
  await again.connect(failing(2), broken(10), never);
  await again.connect(failing(0), broken(11), never);
  expect(waits).toEqual([100, 200]);
  await again.connect(failing(0), broken(11), never);
  await again.connect(failing(0), broken(11), never);
  expect(waits).toEqual([100, 200, 100, 200]);
});

test("when its time is out it throws the last failure, and does not begin a wait that it cannot end", async () => {
  const { again, waits } = reconnecting(1000);
  await expect(again.connect(failing(100), broken(0), never)).rejects.toThrow("refused");
  expect(waits).toEqual([100, 200, 400]);
});

test("connections that are of no use do not buy time", async () => {
  const { again, waits } = reconnecting(1000);
  for (let nth = 0; nth < 4; nth++) await again.connect(failing(0), broken(0), never);
  await expect(again.connect(failing(1), broken(0), never)).rejects.toThrow("breaks before it is of use: it was cut");
  expect(waits).toEqual([100, 200, 400]);
});

test.each([0, 1000, 300_000])(
  "a receiver that greets and then cuts is left when %i ms are over, however long it keeps one waiting",
  async (within) => {
    for (const owed of [0, 6000, 31_000]) {
      const { again, pass, now } = reconnecting(within);
      const began = now();
      const greeted = async (): Promise<never> => {
        for (let nth = 0; nth < 1000; nth++) {
          await again.connect(failing(0), broken(7, owed), never);
          pass(owed);
        }
        throw new Error("it was greeted a thousand times");
      };
      await expect(greeted()).rejects.toThrow("breaks before it is of use");
      expect(now() - began).toBeLessThanOrEqual(within + owed + 5000);
    }
  },
);

test("what is of use now and then is never left", async () => {
  const { again, pass } = reconnecting(1000);
  for (let nth = 0; nth < 100; nth++) {
    expect(await again.connect(failing(2), broken(nth, 31_000), never)).toBe("connected");
    pass(31_000);
  }
});

test("a connection that lived long is made again at once, and its life is not counted, however idle it was", async () => {
  const { again, waits, pass } = reconnecting(1000);
  await again.connect(failing(2), broken(0), never);
  pass(3_600_000);
  expect(await again.connect(failing(2), broken(0), never)).toBe("connected");
  expect(waits).toEqual([100, 200, 100, 200]);
});

test("a refusal is final: it is not tried again", async () => {
  const { again, waits } = reconnecting();
  const refuse = async (): Promise<string> => {
    throw new Stop("refused", "another migration has it");
  };
  await expect(again.connect(refuse, broken(), never)).rejects.toThrow("another migration has it");
  expect(waits).toEqual([]);
});

test("whoever ends it is told his own reason, in a wait and in an attempt", async () => {
  for (const when of ["before", "during"]) {
    const controller = new AbortController();
    const { again } = reconnecting();
    if (when === "before") controller.abort(new Error("cancelled"));
    const attempt = async (): Promise<string> => {
      expect(when).toBe("during");
      controller.abort(new Error("cancelled"));
      throw new Error("refused");
    };
    await expect(again.connect(attempt, broken(), controller.signal)).rejects.toThrow("cancelled");
  }
});
