import { describe, expect, it } from "vitest";

import { createOutbox } from "./outbox.ts";

/** Takes nothing until it is told to. */
function createReader() {
  const taken: string[] = [];
  let take: (() => void) | undefined;
  let fail: ((error: Error) => void) | undefined;
  return {
    taken,
    send: async (data: readonly Uint8Array[]) => {
      await new Promise<void>((resolve, reject) => {
        [take, fail] = [resolve, reject];
      });
      taken.push(...Buffer.concat(data).toString().split("\n").slice(0, -1));
    },
    async take() {
      take?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
    async goAway() {
      fail?.(new Error("gone"));
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const STATUS = { id: 1, isStatus: true };
const EVENT = { id: 1, isStatus: false };

describe("what waits for a reader", () => {
  it("is one status of a request, the last, at the place where it was said", async () => {
    const reader = createReader();
    const outbox = createOutbox(reader);
    outbox.answer("first");
    outbox.event("status 1", STATUS);
    outbox.event("pass", EVENT);
    outbox.event("status of another", { id: 2, isStatus: true });
    outbox.event("status 2", STATUS);
    outbox.answer("last");
    for (let at = 0; at < 2; at++) await reader.take();
    expect(reader.taken).toEqual(["first", "pass", "status of another", "status 2", "last"]);
    await outbox.empty();
  });

  it("is 256 events, and every answer", async () => {
    const reader = createReader();
    const outbox = createOutbox(reader);
    outbox.answer("first");
    for (let at = 0; at < 1000; at++) outbox.event(`event ${at}`, EVENT);
    for (let at = 0; at < 10; at++) outbox.answer(`answer ${at}`);
    for (let at = 0; at < 2; at++) await reader.take();
    expect(reader.taken).toHaveLength(1 + 256 + 10);
    expect(reader.taken.at(-1)).toBe("answer 9");
  });

  it("lets more be asked for only when it has gone", async () => {
    const reader = createReader();
    const outbox = createOutbox(reader);
    for (let at = 0; at < 17; at++) outbox.answer(`${at}`);
    let hasRoom = false;
    const room = outbox.room().then(() => (hasRoom = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasRoom).toBe(false);
    for (let at = 0; at < 2; at++) await reader.take();
    await room;
    expect(reader.taken).toHaveLength(17);
  });

  it("is nothing for a reader that has gone", async () => {
    const reader = createReader();
    const outbox = createOutbox(reader);
    for (let at = 0; at < 40; at++) outbox.answer(`${at}`);
    await reader.goAway();
    await Promise.all([outbox.room(), outbox.empty()]);
    outbox.answer("more");
    await outbox.empty();
    expect(reader.taken).toEqual([]);
  });
});
