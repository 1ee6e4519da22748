import { expect, it } from "vitest";

import { sameFiles } from "../make-disks.test-kit.ts";
import { startCheckedGuest } from "./checked-writes.test-kit.ts";
import { hashOf, startLivePair } from "./live-pair.test-kit.ts";

it("clients that write all along are passed on: no request fails, nothing is lost, and the old disk is left alone", async () => {
  const pair = await startLivePair();
  const guest = startCheckedGuest(await pair.client());
  await guest.more(200);
  const result = await pair.move();
  const left = hashOf(pair.source);
  await guest.more(500);
  await guest.stop();
  expect(guest.failure).toBeUndefined();
  expect(guest.missingIn(pair.target)).toEqual([]);
  expect(guest.missingIn(pair.source)).not.toEqual([]); // or the guest was never passed on
  expect(hashOf(pair.source)).toBe(left);
  expect(result).toMatchObject({ proved: true, after: "forward", migration: pair.receiver.session.migration });
  expect(result.downtime).toBeGreaterThan(0);
  const [disk] = pair.old.status().disks;
  expect(disk).toMatchObject({
    state: "forwarding",
    clients: [expect.any(String), expect.any(String), expect.any(String), expect.any(String)],
  });
  expect(sameFiles(pair.source, pair.target)).toBe(false);
});
