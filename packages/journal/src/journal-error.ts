/** Why a record cannot be read, written or believed. */
export type JournalErrorCode =
  | "damaged" // no record of ours, or half of one
  | "io" // it could not be read or written durably
  | "newer" // written by a later blkmig, whose meaning is not known here
  | "not-in-doubt" // nothing is left to be resolved by hand
  | "other-migration"; // the record is of another migration than was said

/** A record of a disk cannot be used. `path` is the record's own. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly code: JournalErrorCode;
  readonly path: string;

  constructor(code: JournalErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options);
    this.code = code;
    this.path = path;
  }
}
