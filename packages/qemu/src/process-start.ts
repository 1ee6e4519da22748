import { readFile } from "node:fs/promises";

/** Numbers of fields by proc(5); the first behind the name is the state. */
const STATE = 3;
const STARTED = 22;

/**
 * When a process began, in the kernel's clock ticks since boot: with its id a name that no later process has. Undefined for one that is
 * dead, buried or not, and where no kernel says.
 */
export async function startOf(pid: number | "self"): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The name stands in brackets, and may have blanks and brackets of its own: fields are counted from behind it.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isDead = fields?.[0] === "Z" || fields?.[0] === "X";
  return isDead ? undefined : fields?.[STARTED - STATE];
}
