import type { NbdErrorCode } from "./nbd-error.ts";

/** Why there is no disk, in a sentence. Who knows the URL makes an `NbdError` of it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: NbdErrorCode;

  constructor(code: NbdErrorCode, what: string, options?: ErrorOptions) {
    super(what, options);
    this.code = code;
  }
}
