import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);

/** The built program, to be run by Node.js. */
export const BLKMIG: string = join(require.resolve("blkmig/package.json"), "../dist/bin.js");
