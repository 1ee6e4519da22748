import { expect, it } from "vitest";

import { createBadNetwork, describeNetwork, planNetwork } from "./bad-network.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";
import { createMove } from "./session-move.test-kit.ts";
import { tell } from "./strikes.test-kit.ts";

const NETWORKS = Number(process.env["BLKMIG_NETWORKS"] ?? 8);
const FIRST = Number(process.env["BLKMIG_SEED"] ?? 0);
const SIZE = 8 * MIB + 512;

const networks = Array.from({ length: NETWORKS }, (_, number) => planNetwork(FIRST + number));

it.for(networks.map((plan) => [plan.seed, describeNetwork(plan), plan] as const))(
  "network %i: %s",
  { timeout: 240_000 },
  async ([seed, , plan], { task }) => {
    const network = createBadNetwork(plan);
    const move = await createMove({ ...plan.move, size: SIZE, seed, watch: network.watch });
    await move.receive();
    move.send();
    const { sender, receiver } = await move.finish();
    tell(task, { struck: network.struck, ended: "moved" });
    const said = { sender: sender.stderr, receiver: receiver.stderr };
    expect({ codes: [sender.code, receiver.code], ...said }).toMatchObject({ codes: [0, 0] });
    expect(move.starts).toEqual({ sender: 1, receiver: 1 });
    const planned = plan.cuts.length + (plan.again ? 1 : 0) + (plan.stall ? 1 : 0);
    expect(planned === 0 || network.struck.length > 0).toBe(true);
    await move.expectWell();
  },
);
