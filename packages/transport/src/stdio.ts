export type { Connection } from "./connection.ts";
export { openStdio, type StdioOptions } from "./open-stdio.ts";
