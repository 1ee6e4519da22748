import { describe, expect, it } from "vitest";

import { judgeConvergence } from "./machine-converges.ts";
import { CONVERGED } from "./machine-disks.test-kit.ts";
import { ram } from "./machine-fake.test-kit.ts";
import type { GuestHere, MachineState, Move } from "./machine-state.ts";
import { askForRam, type RamReport } from "./ram-report.ts";

const RUNS: GuestHere = { is: "runs" };
const sending = (afterPass = 0, guest: GuestHere = RUNS): MachineState => ({
  move: { is: "sending", afterPass },
  guest,
});

/** What QEMU says, as it is read. */
async function said(part: Parameters<typeof ram>[0]): Promise<RamReport> {
  const qmp = { url: "fake", execute: async () => ({ status: "active", ...ram(part) }) };
  return askForRam(qmp as never);
}

describe("judgeConvergence", () => {
  it.each([
    [CONVERGED, "begin"],
    [{ ...CONVERGED, bulkDone: false }, "no"],
    [{ ...CONVERGED, pending: 300e6 }, "begin"],
    [{ ...CONVERGED, pending: 301e6 }, "no"],
    [{ ...CONVERGED, pending: 1, bandwidth: undefined }, "no"],
    [{ ...CONVERGED, bandwidth: undefined, downtimeLimit: 0 }, "begin"],
  ])("has the memory sent when the disks fit: %o, %s", (disks, verdict) => {
    expect(judgeConvergence({ move: { is: "ready" }, guest: RUNS }, disks, undefined)).toBe(verdict);
    expect(judgeConvergence({ move: { is: "new" }, guest: RUNS }, disks, undefined)).toBe("no");
  });

  it.each([
    [{ expected: 200 }, 100e6, "yes"],
    [{ expected: 200 }, 101e6, "no"],
    [{ expected: 301 }, 0, "no"],
    [{ remaining: 300_000 }, 0, "yes"],
    [{ remaining: 300_001 }, 0, "no"], // 0 is no prediction of QEMU's
    [{ expected: 1, remaining: 300_001 }, 0, "no"],
    [{ expected: 400, remaining: 0 }, 0, "no"],
    [{}, 300e6, "yes"],
  ])("adds the memory's prediction %o to the disks' %d bytes: %s", async (memory, pending, verdict) => {
    expect(judgeConvergence(sending(), { ...CONVERGED, pending }, await said(memory))).toBe(verdict);
  });

  it("says no while nothing is known of the memory", () => {
    expect(judgeConvergence(sending(), CONVERGED, undefined)).toBe("no");
  });

  it("is time shortly before the first pass ends, so that QEMU may stop the guest then, and need not make another", async () => {
    const near = await said({ passes: 1, remaining: 1_000_000 });
    expect(judgeConvergence(sending(), CONVERGED, near)).toBe("yes");
    expect(judgeConvergence(sending(), { ...CONVERGED, pending: 301e6 }, near)).toBe("no");
    expect(judgeConvergence(sending(1), CONVERGED, near)).toBe("no");
    expect(judgeConvergence(sending(), CONVERGED, await said({ passes: 1, remaining: 1_000_001 }))).toBe("no");
  });

  it("wants more passes than there were when the guest could not come to rest", async () => {
    expect(judgeConvergence(sending(4), CONVERGED, await said({ passes: 4 }))).toBe("no");
    expect(judgeConvergence(sending(4), CONVERGED, await said({ passes: 5 }))).toBe("yes");
  });

  it("hurries for a guest that QEMU has stopped, and for no other", () => {
    expect(judgeConvergence(sending(0, { is: "stopped", at: 1 }), CONVERGED, undefined)).toBe("yes");
    expect(judgeConvergence(sending(0, { is: "stopped-by-others" }), CONVERGED, undefined)).toBe("no");
  });

  const later: readonly Move[] = [
    { is: "held" },
    { is: "handing" },
    { is: "completed" },
    { is: "handed" },
    { is: "moved" },
    { is: "over", how: "has failed" },
    { is: "back" },
  ];
  it.each(later)("lets pause() speak: %o", (move) => {
    expect(judgeConvergence({ move, guest: RUNS }, { ...CONVERGED, bulkDone: false }, undefined)).toBe("yes");
  });
});
