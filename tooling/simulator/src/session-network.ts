import type { SourceWire } from "@blkmig/source";
import { memoryPair } from "@blkmig/transport/memory";

import { type DangerousWire, dangerousWire } from "./dangerous-wire.ts";
import { type Life, mortalWire } from "./life.ts";
import type { World } from "./session-world.ts";
import type { SinkHost } from "./sink-host.ts";

const MiB = 1024 * 1024;

/** Connections between the two programs; each dies with either of them. */
export interface Network {
  connect(source: Life): Promise<SourceWire>;
  cut(): void;
  /** The newest connection swallows everything from now on, and nobody is told. */
  goSilent(): void;
}

export function createNetwork(world: World, sink: SinkHost): Network {
  const { random, schedule, dangers, strikes } = world;
  const { turn, clock } = schedule;
  let current: DangerousWire | undefined;

  const late = async (): Promise<void> => {
    await turn();
    if (random.int(8) > 0) return;
    strikes.count("wire: late");
    await clock.sleep(random.int(random.pick([5, 50, 3000])));
  };

  const open = (): DangerousWire => {
    const pair = memoryPair({
      latency: dangers.delays ? late : turn,
      capacity: random.pick([0, 0, 1000, 3 * MiB]),
      split: (available) => 1 + random.int(random.pick([available, 3 * MiB, 70_000])),
    });
    if (!dangers.flips && !dangers.halfOpen) return { near: pair[0], far: pair[1], goSilent() {} };
    const flips = dangers.flips ? random.pick([0, 0.002, 0.02]) : 0;
    return dangerousWire(pair, { random, flips, onFlip: () => strikes.count("wire: a bit flipped") });
  };

  return {
    async connect(source) {
      await source.guard(turn(), "the wire");
      const wire = open();
      const { near, far } = wire;
      const host = sink.life;
      sink.accept(mortalWire(far, host));
      current = wire;
      void source.death.then(() => near.destroy(new Error("the sender was killed")));
      void host.death.then(() => far.destroy(new Error("the receiver was killed")));
      return mortalWire(near, source);
    },
    cut() {
      if (current) strikes.count("wire: cut");
      current?.near.destroy(new Error("cut"));
    },
    goSilent() {
      if (current) strikes.count("wire: half-open");
      current?.goSilent();
    },
  };
}
