import { createMemoryDevice } from "@blkmig/device";
import { openNbd, parseNbdUrl } from "@blkmig/nbd";
import { expect, it } from "vitest";

import { openNbdDoors } from "./nbd-doors.ts";

it("who comes and goes is told as a kind that strangers can repeat, so that a storm of them is counted", async () => {
  const said: (readonly [text: string, why: string | undefined])[] = [];
  const doors = await openNbdDoors({
    at: [parseNbdUrl("nbd://127.0.0.1:0")],
    exports: () => [{ name: "a", device: createMemoryDevice({ size: 4096 }) }],
    say: (text, why) => void said.push([text.replace(/tcp:\S+/u, "somebody"), why]),
    warn: () => {},
  });
  const client = await openNbd(parseNbdUrl(`${doors.urls[0]}/a`), { connections: 1 });
  await client.close();
  await expect.poll(() => said).toHaveLength(2);
  expect(said).toEqual([
    ["NBD client somebody uses disk 'a'", "uses"],
    ["NBD client somebody left disk 'a'", "left"],
  ]);
  await doors.close("now");
});
