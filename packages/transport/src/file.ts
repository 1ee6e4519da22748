export type { Connection, Segments } from "./connection.ts";
export { readStreamFile } from "./read-stream-file.ts";
export { writeStreamFile, type WriteStreamFileOptions } from "./write-stream-file.ts";
