export { JournalError, type JournalErrorCode } from "./journal-error.ts";
