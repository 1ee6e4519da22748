import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What this isolate holds, heap and buffers, bytes. */
export function heldBytes(which: "with garbage" | "without garbage"): number {
  if (which === "without garbage") {
    collect();
    collect(); // what the first one found of buffers is given back by the second
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
