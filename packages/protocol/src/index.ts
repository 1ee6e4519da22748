export { createClassicDecoder } from "./classic-decoder.ts";
export { encodeBlock, encodeEos, encodeProgress, encodeZeroBlocks } from "./classic-encode.ts";
export * from "./classic-frame.ts";
export { crc32 } from "./crc32.ts";
export type { Decoder } from "./decoder.ts";
export { encodeDeviceName } from "./device-name.ts";
export { createEnvelopeDecoder, type EnvelopeOptions } from "./envelope-decoder.ts";
export * from "./envelope-encode.ts";
export type * from "./envelope-frame.ts";
export { ProtocolError, type ProtocolErrorCode } from "./protocol-error.ts";
export { createReturnPathDecoder } from "./return-path-decoder.ts";
export { encodePong, encodeShut, type ReturnMessage, type ReturnPong, type ReturnShut } from "./return-path.ts";
export { segmentsLength, type Segments } from "./segments.ts";
export { createVmDescriptionTail, type VmDescriptionTail } from "./vm-description-tail.ts";
export { findVmDescription } from "./vm-description.ts";
export { createSessionDecoder, type SessionDecoder, type SessionDecoderOptions } from "./session-decoder.ts";
export * from "./session-encode.ts";
export { HAND_OVER, UNCHECKED_DATA } from "./session-features.ts";
export {
  type Crc32,
  DIGEST_BYTES,
  FRAME_BYTES,
  MESSAGE_BYTES,
  MOST_FRAME_BYTES,
  SESSION_HEADER_BYTES,
  SESSION_MAGIC,
  SESSION_VERSION,
  type SessionExtent,
  type SessionFrame,
} from "./session-frame.ts";
export type { DataChecksums } from "./session-rules.ts";
export type { CommitState, SessionDisk, SessionMessage } from "./session-message.ts";
