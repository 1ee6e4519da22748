export { createClassicDecoder } from "./classic-decoder.ts";
export { encodeBlock, encodeEos, encodeProgress, encodeZeroBlocks } from "./classic-encode.ts";
export * from "./classic-frame.ts";
export type { Decoder } from "./decoder.ts";
export { encodeDeviceName } from "./device-name.ts";
export { ProtocolError, type ProtocolErrorCode } from "./protocol-error.ts";
export { createReturnPathDecoder } from "./return-path-decoder.ts";
export { encodeShut, type ReturnMessage, type ReturnPong, type ReturnShut } from "./return-path.ts";
export { segmentsLength, type Segments } from "./segments.ts";
