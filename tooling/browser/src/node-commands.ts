import { commands } from "vitest/browser";

import type { NodeCommands } from "./commands.ts";

/** The commands of `commands.ts`, which vitest carries to Node.js and back. */
export const node: NodeCommands = commands as unknown as NodeCommands;
