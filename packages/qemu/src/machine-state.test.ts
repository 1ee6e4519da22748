import { describe, expect, it } from "vitest";

import { afterEvent, afterStatus, type MachineState, type Move } from "./machine-state.ts";

const at = (move: Move): MachineState => ({ move, guest: { is: "runs" } });
const SENDING = at({ is: "sending", afterPass: 0 });
const HELD = at({ is: "held" });
const HANDING = at({ is: "handing" });

describe("afterStatus", () => {
  it.each([
    [SENDING, "setup", "sending"],
    [SENDING, "active", "sending"],
    [SENDING, "pre-switchover", "held"],
    [SENDING, "completed", "over"],
    [SENDING, "failed", "over"],
    [HELD, "active", "held"],
    [HELD, "pre-switchover", "held"],
    [HELD, "device", "over"],
    [HELD, "completed", "over"],
    [HELD, "cancelling", "over"],
    [HANDING, "pre-switchover", "handing"],
    [HANDING, "device", "handing"],
    [HANDING, "completed", "completed"],
    [HANDING, "failed", "over"],
    [at({ is: "completed" }), "device", "completed"],
    [at({ is: "completed" }), "completed", "completed"],
    [at({ is: "ready" }), "completed", "ready"], // an earlier migration's
    [at({ is: "handed" }), "completed", "handed"],
    [at({ is: "back" }), "cancelled", "back"],
    [at({ is: "over", how: "has failed" }), "active", "over"],
  ] as const)("leads from %o by '%s' to '%s'", (state, status, is) => {
    expect(afterStatus(state, status).move.is).toBe(is);
    expect(afterEvent(state, { event: "MIGRATION", data: { status }, at: 0 }, 5)).toEqual(afterStatus(state, status));
  });
});

describe("afterEvent", () => {
  const stop = { event: "STOP", data: {}, at: 0 };
  const resume = { event: "RESUME", data: {}, at: 0 };

  it.each([SENDING, HELD, at({ is: "over", how: "was given up" })])("takes a stop for QEMU's: %o", (state) => {
    expect(afterEvent(state, stop, 5).guest).toEqual({ is: "stopped", at: 5 });
  });

  it.each([at({ is: "ready" }), at({ is: "back" }), at({ is: "handed" })])(
    "takes a stop for another's: %o",
    (state) => {
      expect(afterEvent(state, stop, 5).guest).toEqual({ is: "stopped-by-others" });
    },
  );

  it.each([HELD, HANDING, at({ is: "completed" })])(
    "knows that it is over when the guest runs here again: %o",
    (state) => {
      expect(afterEvent(state, resume, 5)).toMatchObject({ move: { is: "over" }, guest: { is: "runs" } });
    },
  );

  it("goes on sending for a guest that somebody has stopped and resumed", () => {
    expect(afterEvent(afterEvent(SENDING, stop, 5), resume, 6)).toEqual(SENDING);
  });

  it("leaves all else be", () => {
    expect(afterEvent(SENDING, { event: "JOB_STATUS_CHANGE", data: { status: "aborting" }, at: 0 }, 5)).toBe(SENDING);
    expect(afterEvent(SENDING, { event: "MIGRATION", data: {}, at: 0 }, 5)).toBe(SENDING);
  });
});
