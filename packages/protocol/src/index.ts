export * from "./classic-frame.ts";
export type { Decoder } from "./decoder.ts";
export { ProtocolError, type ProtocolErrorCode } from "./protocol-error.ts";
export { segmentsLength, type Segments } from "./segments.ts";
