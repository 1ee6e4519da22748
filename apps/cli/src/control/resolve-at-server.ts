import { lstat } from "node:fs/promises";

import { EXIT } from "../exit-code.ts";
import type { CommandWorld } from "../run-command.ts";
import { askServer } from "./control-client.ts";
import { parseControl } from "./parse-control.ts";

export interface ServedMigration {
  /** The socket, as it was typed. */
  readonly path: string;
  readonly migration: string;
  readonly state: "kept" | "moved";
}

/** Whether a path is a server's socket, and no disk. */
export async function isControl(path: string): Promise<boolean> {
  if (path.startsWith("unix:")) return true;
  const file = await lstat(path).catch(() => undefined);
  return file?.isSocket() ?? false;
}

/** Ends an in-doubt migration of a running server by hand. Gives the exit code. */
export async function resolveAtServer(served: ServedMigration, { output }: CommandWorld): Promise<number> {
  const { path, migration, state } = served;
  const control = parseControl(path, "--source");
  const verdict = state === "kept" ? "keep" : "gone";
  const answer = await askServer(control, { do: "resolve", migration, verdict });
  if (answer.type === "error") {
    output.ended(answer.ending);
    return answer.ending.exitCode;
  }
  output.say(`${path}: migration ${migration} is ${state} now`);
  output.event("completed", { role: "source", path, migration, state });
  return EXIT.ok;
}
