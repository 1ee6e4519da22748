import { fileURLToPath } from "node:url";

/** The built program, to be run by Node.js. */
export const BLKMIG: string = fileURLToPath(new URL("../../../apps/cli/dist/bin.js", import.meta.url));
