export type { Connection, Segments } from "./connection.ts";
export { openStdio, type StdioOptions } from "./open-stdio.ts";
