import { once } from "node:events";
import { createInterface } from "node:readline";

import type { DocumentedCommand } from "../help/documented-command.ts";
import { OVER, WATCHDOG_COMMAND, type WatchdogOrders } from "./watchdog.ts";

/** `blkmig send --qmp` starts it, and nobody else: it is in no help. */
export function watchCommand(program: DocumentedCommand): void {
  program.command(WATCHDOG_COMMAND, { hidden: true }).action(watch);
}

async function watch(): Promise<void> {
  // Whoever ends everything of blkmig's means the process that sends; what that leaves is given back here.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  const lines: string[] = [];
  const input = createInterface({ input: process.stdin });
  input.on("line", (line) => lines.push(line));
  await once(input, "close");
  const [said, last] = lines;
  if (said === undefined || last === OVER) return;
  const orders = JSON.parse(said) as WatchdogOrders; // of this very program
  const { watchQemu } = await import("./watch-qemu.ts"); // until it is needed it costs no memory
  process.stderr.on("error", () => {}); // whoever would read it may be gone
  await watchQemu(orders, (sentence) => void process.stderr.write(`blkmig: ${sentence}\n`));
}
