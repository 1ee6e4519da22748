import { expect, it } from "vitest";

import { type DiskEvent, type DiskState, isBound, isHeld, nextState, shownAs } from "./live-state.ts";

type Word = Exclude<DiskEvent["do"], "forward" | "lose">;

function after(...words: readonly (Word | DiskEvent)[]): DiskState {
  const events = words.map((word): DiskEvent => (typeof word === "string" ? { do: word } : word));
  return events.reduce(nextState, { is: "local" });
}

const FORWARD: DiskEvent = { do: "forward", to: "nbd://b" };
const LOSE: DiskEvent = { do: "lose", why: "gone" };

it.each([
  [after("pause"), "paused"],
  [after("pause", "release"), "local"],
  [after("pause", "ask", "keep", "release"), "local"],
  [after("pause", "ask", "doubt"), "in-doubt"],
  [after("pause", "ask", "doubt", "pause"), "asked"],
  [after("pause", "ask", "doubt", "keep", "release"), "local"],
  [after("pause", "ask", "commit", "clone", "release"), "local"],
  [after("pause", "ask", "commit", "move", "close"), "closed"],
  [after("pause", "ask", "doubt", "commit", "move", FORWARD), "forwarding"],
  [after("pause", "ask", "commit", "move", FORWARD, LOSE), "failed"],
  [nextState({ is: "waiting" }, { do: "open" }), "local"],
])("%j is %s", (state, is) => {
  expect(state.is).toBe(is);
});

const UNOWNED: readonly (readonly [string, DiskState])[] = [
  ["commit was asked for", after("pause", "ask")],
  ["it is in doubt", after("pause", "ask", "doubt")],
  ["it is asked again", after("pause", "ask", "doubt", "pause")],
  ["it is committed", after("pause", "ask", "commit")],
  ["it has moved", after("pause", "ask", "commit", "move")],
  ["its clients are passed on", after("pause", "ask", "commit", "move", FORWARD)],
  ["its link is lost", after("pause", "ask", "commit", "move", FORWARD, LOSE)],
  ["it is closed", after("pause", "ask", "commit", "move", "close")],
  ["it has not come", { is: "waiting" }],
];

it.each(UNOWNED)("no client is let go to the disk here when %s", (_, state) => {
  expect(() => nextState(state, { do: "release" })).toThrow(/cannot release/);
  expect(isHeld(state) || ["forwarding", "failed", "closed"].includes(state.is)).toBe(true);
});

it.each([
  ["ours", after()],
  ["paused", after("pause")],
  ["asked for", after("pause", "ask")],
  ["in doubt", after("pause", "ask", "doubt")],
  ["committed, and that is not on record", after("pause", "ask", "commit")],
])("no client is passed on from a disk that is %s", (_, state) => {
  expect(() => nextState(state, FORWARD)).toThrow(/cannot forward/);
});

it("what is forwarded or closed stays so, and what is lost is never ours again", () => {
  const words = ["open", "pause", "release", "keep", "ask", "doubt", "commit", "move", "clone", "close"] as const;
  for (const [, state] of UNOWNED.slice(5, 8)) {
    for (const word of words) expect(() => nextState(state, { do: word })).toThrow(/cannot/);
  }
});

it("nothing calls it off once commit is asked for; in doubt nobody asks", () => {
  expect([after(), after("pause"), ...UNOWNED.map(([, state]) => state)].map(isBound)).toEqual([
    false,
    false,
    true,
    false,
    true,
    true,
    true,
    true,
    true,
    true,
    false,
  ]);
});

it("people see what it means for clients", () => {
  expect(UNOWNED.map(([, state]) => shownAs(state))).toEqual([
    "held",
    "in-doubt",
    "held",
    "held",
    "held",
    "forwarding",
    "failed",
    "closed",
    "waiting",
  ]);
  expect(after("pause", "ask", "commit", "move", FORWARD)).toEqual({ is: "forwarding", to: "nbd://b" });
});
