// Each breaks one law in one place. `find` must stand in `file` exactly once.
const simulator = { workspace: "tooling/simulator", tests: ["src/laws.test.ts"] };
const sink = { workspace: "packages/sink", tests: ["src/load.test.ts"] };
const source = { workspace: "packages/source", tests: ["src/migration.test.ts", "src/source.test.ts"] };

const laws = { workspace: "packages/source", tests: ["src/laws.test.ts"] };

export const mutations = [
  {
    name: "law 1: clear after the read",
    ...laws,
    file: "packages/source/src/carrier.ts",
    find: "      await work.disk.device.read(run.offset, filled);",
    replace: "      await work.disk.device.read(run.offset, filled);\n      work.todo.clear(run.offset, run.length);",
  },
  {
    name: "law 1: extents asked before the clear",
    ...laws,
    file: "packages/source/src/carrier.ts",
    find: "      giveBack(work, run, known.length);",
    replace: "      beginFlight(work, run);\n      giveBack(work, run, known.length);",
  },
  {
    name: "law 1: mark before landing",
    ...simulator,
    file: "packages/device/src/track-writes.ts",
    find: "      try {\n        await request();\n      } finally {",
    replace:
      "      try {\n        mark(offset, length);\n        return await request();\n      } finally {\n        if (length < 0)",
  },
  {
    name: "law 1: mark after the answer",
    ...simulator,
    file: "packages/device/src/track-writes.ts",
    find: "        mark(offset, length);",
    replace: "        setImmediate(() => setImmediate(() => mark(offset, length)));",
  },
  {
    name: "law 1: a failed write does not mark",
    workspace: "packages/device",
    tests: ["src/track-writes.test.ts"],
    file: "packages/device/src/track-writes.ts",
    find: "      try {\n        await request();\n      } finally {",
    replace: "      await request();\n      {",
  },
  {
    name: "law 2: no flight guard, in bulk or later",
    ...laws,
    file: "packages/source/src/disk-work.ts",
    find: "  work.inFlight.mark(run.offset, run.length);",
    replace: "",
  },
  {
    name: "law 2: a flight ends before its bytes have left",
    ...simulator,
    file: "packages/source/src/carrier.ts",
    find: "      await outlet.send(format.block(work.disk.name, run.offset, buffer));",
    replace: "      void outlet.send(format.block(work.disk.name, run.offset, buffer)).catch(() => undefined);",
  },
  {
    name: "law 2: sends reordered",
    ...simulator,
    file: "packages/source/src/outlet.ts",
    find: "    try {\n      await wire.send(data);",
    replace:
      "    try {\n      for (let i = transferred % 7; i > 0; i--) await new Promise(setImmediate);\n      await wire.send(data);",
  },
  {
    name: "law 2: overlapping writes at the sink unordered",
    ...sink,
    file: "packages/device/src/extent-queue.ts",
    find: "other.offset < end && offset < other.end",
    replace: "other.offset < end && offset < other.end && end < 0",
  },
  {
    name: "law 3: complete while bulk is unfinished",
    ...source,
    file: "packages/source/src/source.ts",
    find: '      if (phase === "bulk") throw',
    replace: '      if (phase !== "bulk" && phase !== "dirty") throw',
  },
  {
    name: "law 3: pending leaves out what bulk has not reached",
    ...source,
    file: "packages/source/src/disk-work.ts",
    find: "  return work.todo.bytes + work.inFlight.bytes;",
    replace: "  return work.inFlight.bytes;",
  },
  {
    name: "law 4: no flush before the answer",
    ...sink,
    file: "packages/sink/src/loading.ts",
    find: "      await Promise.all([...targets.values()].map(({ device }) => device.flush()));",
    replace: "",
  },
  {
    name: "law 4: a stream cut at an end of section is taken for complete",
    ...sink,
    file: "packages/sink/src/apply.ts",
    find: '    ended = saidAll && frame.type === "eos";',
    replace: '    ended = frame.type === "eos";',
  },
  {
    name: "law 4: coverage is not looked at",
    ...sink,
    file: "packages/sink/src/loading.ts",
    find: '      if (!options.incremental && missing() !== "")',
    replace: '      if (options.incremental && missing() !== "")',
  },
  {
    name: "law 4: completed without the sink's answer",
    ...simulator,
    file: "packages/source/src/answer.ts",
    find: "  if (!answer && broken === undefined) return false;",
    replace: "  if (broken === undefined) return true;",
  },
  {
    name: "law 5: failure does not resume the guest",
    ...source,
    file: "packages/source/src/custody.ts",
    find: "        await guest?.resume();",
    replace: "",
  },
  {
    name: "law 5: in doubt, the guest is resumed",
    ...source,
    file: "packages/source/src/custody.ts",
    find: '      if (inDoubt) return "paused";',
    replace: "",
  },
  {
    name: "law 6: the padding is whatever the buffer held",
    ...source,
    file: "packages/source/src/carrier.ts",
    find: "      buffer.fill(0, run.length);",
    replace: "",
  },
  {
    name: "law 6: the tail is written past the end",
    ...sink,
    file: "packages/sink/src/target.ts",
    find: "  const length = Math.min(data.length, device.size - offset);",
    replace: "  const length = data.length;",
  },
  {
    name: "law 7: a block beyond the end is not refused",
    ...sink,
    file: "packages/sink/src/apply.ts",
    find: "    if (offset < size) return",
    replace: "    if (offset < size || offset >= size) return",
  },
  {
    name: "law 8: reads are not limited",
    ...source,
    file: "packages/source/src/source.ts",
    find: "carrier.reads < options.reads && ",
    replace: "",
  },
  {
    name: "a zero frame is ignored on a target full of garbage",
    ...simulator,
    file: "packages/sink/src/target.ts",
    find: "      if (!extent.zero) await device.zero(extent.offset, extent.length);",
    replace: "",
  },
];
