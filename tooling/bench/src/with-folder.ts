import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Makes a new folder there for as long as this takes. It also goes when the process exits before: on a tmpfs it is memory. */
export async function withFolder<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(parent, "blkmig-bench-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    return await use(folder);
  } finally {
    process.off("exit", remove);
    remove();
  }
}
