// The micro benchmarks alone: `node src/micro-main.ts`.
import { measureMicro, type MicroFigure } from "./micro.ts";
import { printTable } from "./table.ts";

const figures = await measureMicro();
printTable(["what", "one", "a second", "bytes a second"], figures.map(rowOf));

function rowOf({ name, nanoseconds, perSecond, bytes }: MicroFigure): readonly string[] {
  const one = nanoseconds < 10_000 ? `${nanoseconds.toFixed(0)} ns` : `${(nanoseconds / 1000).toFixed(1)} µs`;
  const rate = bytes ? `${((bytes * perSecond) / 1e9).toPrecision(3)} GB/s` : "";
  return [name, one, perSecond.toPrecision(3), rate];
}
