import { expect, it } from "vitest";

import { chooseDisks } from "./choose-disks.ts";
import type { DiskState } from "./live-state.ts";

const disks = (...states: readonly DiskState["is"][]) =>
  states.map((is, at) => ({ name: `vd${"abc"[at]}`, state: { is, to: "nbd://b", why: "gone" } as DiskState }));

it("all, or those that are named, in that order", () => {
  const three = disks("local", "local", "local");
  expect(chooseDisks(three, undefined, false)).toEqual(three);
  expect(chooseDisks(three, ["vdc", "vda"], false)).toEqual([three[2], three[0]]);
});

it("all of a migration in doubt, when it is taken up", () => {
  const doubted = disks("in-doubt", "in-doubt", "local");
  expect(chooseDisks(doubted, ["vda", "vdb"], true)).toEqual(doubted.slice(0, 2));
  expect(() => chooseDisks(doubted, undefined, true)).toThrow(/for them alone/);
});

it.each([
  [["vdx"], disks("local"), /no disk 'vdx' is served here; there are 'vda'/],
  [["vda", "vda"], disks("local"), /named twice/],
  [[], disks("local"), /no disk is named/],
  [undefined, disks("local", "in-doubt"), /'vdb' is in doubt: say --resume/],
  [undefined, disks("waiting"), /has not come yet/],
  [undefined, disks("paused"), /is being moved/],
  [undefined, disks("asked"), /is being moved/],
  [undefined, disks("committed"), /could not be recorded/],
  [undefined, disks("moved"), /has moved/],
  [undefined, disks("closed"), /has moved/],
  [undefined, disks("forwarding"), /passed on to nbd:\/\/b/],
  [undefined, disks("failed"), /gone/],
])("%j is refused", (names, served, why) => {
  expect(() => chooseDisks(served, names, false)).toThrow(why);
  expect(() => chooseDisks(served, names, false)).toThrow(expect.objectContaining({ code: "refused" }));
});
