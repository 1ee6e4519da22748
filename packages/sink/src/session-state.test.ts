import { describe, expect, test } from "vitest";

import { endOf, nextStep, type SinkRequest, type SinkState, type SinkStep } from "./session-state.ts";

/** The attempt that is on record in every state; requests speak of one below it, of it, and of one above. */
const K = 5;
const open: SinkState = { is: "open", attempt: K };
const sealed: SinkState = { is: "sealed", attempt: K, targets: "ours" };
const handedOver: SinkState = { is: "sealed", attempt: K, targets: "handed-over" };
const sealedBefore: SinkState = { is: "sealed", attempt: K, targets: "anybody's" };
const committed: SinkState = { is: "committed", attempt: K };
const STATES = { open, sealed, handedOver, sealedBefore, committed };

const WORDS = ["land", "hash", "flush", "cancel"] as const;
const ATTEMPTS = ["prepare", "seal", "commit", "abort", "done", "outcome"] as const;
const requests = [
  ...WORDS.map((asks): [string, SinkRequest] => [asks, { asks }]),
  ...ATTEMPTS.flatMap((asks) =>
    [K - 1, K, K + 1].map((attempt): [string, SinkRequest] => [
      `${asks} ${attempt === K ? "k" : attempt < K ? "k-1" : "k+1"}`,
      { asks, attempt },
    ]),
  ),
];

/** A step in a word: what becomes of the request, and in which state the sink is then. */
function wordOf(step: SinkStep): string {
  switch (step.do) {
    case "seal":
    case "commit":
      return `${step.do} -> ${step.next.is} ${step.next.attempt - K}`;
    case "abort":
      return `${step.do}${step.alsoOver ? " and over" : ""} -> ${step.next.is} ${step.next.attempt - K}`;
    case "say":
      return `say ${step.say} ${step.attempt - K}`;
    case "tell":
      return `tell ${step.state}`;
    case "refuse":
      return `refuse ${step.code}`;
    case "serve":
    case "finish":
    case "give-up":
    case "violation":
      return step.do;
  }
}

const no = "violation";
const afterSealed = { land: no, hash: no, flush: no, "prepare k-1": no, "prepare k": no, "prepare k+1": no };
const neverSeal = { "seal k-1": no, "seal k": no, "seal k+1": no };

const TABLE: Readonly<Record<keyof typeof STATES, Readonly<Record<string, string>>>> = {
  open: {
    land: "serve",
    hash: "serve",
    flush: "serve",
    cancel: "give-up",
    "prepare k-1": no,
    "prepare k": no,
    "prepare k+1": "serve",
    "seal k-1": no,
    "seal k": no,
    "seal k+1": "seal -> sealed 1",
    "commit k-1": no,
    "commit k": no,
    "commit k+1": no,
    "abort k-1": "say aborted -1",
    "abort k": "say aborted 0",
    "abort k+1": "abort -> open 1",
    "done k-1": no,
    "done k": no,
    "done k+1": no,
    "outcome k-1": "tell aborted",
    "outcome k": "tell aborted",
    "outcome k+1": "tell open",
  },
  sealed: {
    ...afterSealed,
    ...neverSeal,
    cancel: "abort and over -> open 0",
    "commit k-1": no,
    "commit k": "commit -> committed 0",
    "commit k+1": no,
    "abort k-1": "say aborted -1",
    "abort k": "abort -> open 0",
    "abort k+1": no,
    "done k-1": no,
    "done k": no,
    "done k+1": no,
    "outcome k-1": "tell aborted",
    "outcome k": "tell sealed",
    "outcome k+1": "tell open",
  },
  handedOver: {
    ...afterSealed,
    ...neverSeal,
    cancel: "abort and over -> open 0",
    "commit k-1": no,
    "commit k": "commit -> committed 0",
    "commit k+1": no,
    "abort k-1": "say aborted -1",
    "abort k": "abort and over -> open 0",
    "abort k+1": no,
    "done k-1": no,
    "done k": no,
    "done k+1": no,
    "outcome k-1": "tell aborted",
    "outcome k": "tell sealed",
    "outcome k+1": "tell open",
  },
  sealedBefore: {
    ...afterSealed,
    ...neverSeal,
    cancel: "abort and over -> open 0",
    "commit k-1": no,
    "commit k": "refuse sealed-before",
    "commit k+1": no,
    "abort k-1": "say aborted -1",
    "abort k": "abort -> open 0",
    "abort k+1": no,
    "done k-1": no,
    "done k": no,
    "done k+1": no,
    "outcome k-1": "tell aborted",
    "outcome k": "tell sealed",
    "outcome k+1": "tell open",
  },
  committed: {
    ...afterSealed,
    ...neverSeal,
    cancel: no,
    "commit k-1": no,
    "commit k": "say committed 0",
    "commit k+1": no,
    "abort k-1": "say aborted -1",
    "abort k": "say committed 0",
    "abort k+1": no,
    "done k-1": no,
    "done k": "finish",
    "done k+1": no,
    "outcome k-1": "tell aborted",
    "outcome k": "tell committed",
    "outcome k+1": "tell open",
  },
};

describe.each(Object.entries(STATES))("a sink that is %s", (name, state) => {
  const row = TABLE[name as keyof typeof STATES];

  test.each(requests)("is asked: %s", (asked, request) => {
    expect(wordOf(nextStep(state, request, { remembers: true, handsOver: false }))).toBe(row[asked]);
  });

  test("has a row for every request, and no other", () => {
    expect(Object.keys(row).toSorted()).toEqual(requests.map(([asked]) => asked).toSorted());
  });
});

describe("what is not on record", () => {
  test("is never a no from a sink that would not remember", () => {
    const fresh: SinkState = { is: "open", attempt: 0 };
    for (const attempt of [0, 1, 7]) {
      const outcome: SinkRequest = { asks: "outcome", attempt };
      expect(nextStep(fresh, outcome, { remembers: false, handsOver: false })).toEqual({
        do: "tell",
        state: "unknown",
      });
      expect(nextStep(fresh, outcome, { remembers: true, handsOver: false })).toEqual({ do: "tell", state: "open" });
    }
  });

  test("can be aborted before it was ever sealed, and is then recorded", () => {
    const situation = { remembers: false, handsOver: false };
    expect(nextStep({ is: "open", attempt: 0 }, { asks: "abort", attempt: 1 }, situation)).toEqual({
      do: "abort",
      next: { is: "open", attempt: 1 },
      alsoOver: false,
    });
  });
});

test.each([
  [true, "handed-over"],
  [false, "ours"],
])("what is sealed where a connection hands over: %s, is then %s", (handsOver, targets) => {
  const step = nextStep(open, { asks: "seal", attempt: K + 1 }, { remembers: true, handsOver });
  expect(step).toEqual({ do: "seal", next: { is: "sealed", attempt: K + 1, targets } });
});

test("a migration that is stopped ends by its state: only the source knows what becomes of a sealed one", () => {
  const ends = Object.values(STATES).map((state) =>
    (["cancelled", "gave-up", "failed"] as const).map((stop) => endOf(state, stop)),
  );
  expect(ends).toEqual([
    ["as-it-is", "as-it-is", "as-it-is"],
    ["in-doubt", "in-doubt", "in-doubt"],
    ["in-doubt", "in-doubt", "in-doubt"],
    ["in-doubt", "in-doubt", "in-doubt"],
    ["not-yet", "committed", "committed"],
  ]);
});
