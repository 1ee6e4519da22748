export { blockBodies } from "./capture-envelope.ts";
export * from "./naive-classic.ts";
