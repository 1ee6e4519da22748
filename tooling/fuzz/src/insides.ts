/*
 * Decoders that no package has a door for, and none should: nobody but their own room uses them. They are reached as files of the
 * packages that stand in this room's node_modules, and from here alone.
 */
export { naiveSessionDecode, type NaiveSessionFrame } from "../node_modules/@blkmig/protocol/test/naive-session.ts";

export { extentsOf } from "../node_modules/@blkmig/nbd/src/client-extents.ts";
export { Malformed } from "../node_modules/@blkmig/nbd/src/client-malformed.ts";
export { offerOf, readContext, readInfo } from "../node_modules/@blkmig/nbd/src/client-offer.ts";
export { OptionDecoder } from "../node_modules/@blkmig/nbd/src/client-option-decoder.ts";
export { ReplyDecoder } from "../node_modules/@blkmig/nbd/src/client-reply-decoder.ts";
export { createHandshakeDecoder } from "../node_modules/@blkmig/nbd/src/server-handshake.ts";
export { createNegotiation } from "../node_modules/@blkmig/nbd/src/server-negotiation.ts";
export { createRequestDecoder } from "../node_modules/@blkmig/nbd/src/server-requests.ts";

export { QmpLines } from "../node_modules/@blkmig/qemu/src/qmp-lines.ts";
export { QmpMalformed } from "../node_modules/@blkmig/qemu/src/qmp-malformed.ts";
export { decodeMessage } from "../node_modules/@blkmig/qemu/src/qmp-message.ts";

export { decodeRecord, encodeRecord } from "../node_modules/@blkmig/journal/src/record-text.ts";

export { CommandError } from "../node_modules/blkmig/src/command-error.ts";
export { readAnswer } from "../node_modules/blkmig/src/control/control-answer.ts";
export { readRequest } from "../node_modules/blkmig/src/control/control-request.ts";
export { parseLimits } from "../node_modules/blkmig/src/control/parse-limits.ts";
export { parseMove } from "../node_modules/blkmig/src/control/parse-move.ts";
export { readLines } from "../node_modules/blkmig/src/control/read-lines.ts";
export { createBlockReport } from "../node_modules/blkmig/src/inspect/block-report.ts";
export { createSessionReport } from "../node_modules/blkmig/src/inspect/session-report.ts";
export { recognise } from "../node_modules/blkmig/src/receive/recognise.ts";
