import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { disksToMove, startProgram } from "./move-between.test-kit.ts";
import { keptVersions, programs } from "./programs.ts";

const WIRES = ["2", "1.1", "1.0", "qemu"];
const SCHEMES = ["tcp", "ws"];
const MIB = 1024 * 1024;

const matrix = programs().flatMap((sender) =>
  programs().flatMap((receiver) =>
    SCHEMES.flatMap((scheme) => WIRES.map((wire) => ({ sender, receiver, scheme, wire }))),
  ),
);

it("a version is kept", () => {
  expect(keptVersions()).toContain("0.1.0");
});

it.each(matrix)(
  "wire $wire over $scheme: $sender.version to $receiver.version",
  async ({ sender, receiver, scheme, wire }) => {
    // A QEMU cannot take a short last block.
    const path = disksToMove(wire === "qemu" ? 5 * MIB : 5 * MIB + 512);
    const from = ["receive", `${scheme}://127.0.0.1:0`, "--disk", `vda=${path("target")}`];
    const receiving = startProgram(receiver, from, path("state"));
    const to = ["send", await receiving.url, "--wire", wire, "--disk", `vda=${path("source")}`];
    const sent = await startProgram(sender, to, path("state")).ended;
    expect({ ...sent, ...sent.last }).toMatchObject({ code: 0, event: "completed", proved: true });
    const received = await receiving.ended;
    expect({ ...received, ...received.last }).toMatchObject({ code: 0, event: "completed" });
    expect(readFileSync(path("target")).equals(readFileSync(path("source")))).toBe(true);
  },
);
