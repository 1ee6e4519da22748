import { readFile } from "node:fs/promises";

/** When this process began, in the kernel's clock ticks: with its id the name of it that no later process has. "0" where no kernel says. */
export async function ownStart(): Promise<string> {
  const stat = await readFile("/proc/self/stat", "utf8").catch(() => "");
  // The second field is the program's name, in parentheses, and may hold spaces: counted from behind it, this is the 20th.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
}
