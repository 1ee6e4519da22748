export * from "./browser.ts";
export { blockBodies } from "./capture-envelope.ts";
export { recordingWire, type RecordingWire, type RecordingWireOptions } from "./recording-wire.ts";
export { createWritingGuest, type WritingGuest, type WritingGuestOptions } from "./writing-guest.ts";
export { captured, captures, rawCapture, sha256, type Capture } from "./captures.ts";
