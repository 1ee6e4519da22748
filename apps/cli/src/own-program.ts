import { fileURLToPath } from "node:url";

// The bundle's chunks lie side by side, whatever folder their sources are in: from here the names are right for both.
const built = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The built program, to be run again by Node.js in a process of its own. */
export const PROGRAM: string = built("bin.js");
/** The demo's process that has a guest. */
export const LIVE_SENDER: string = built("demo/live-sender.js");
