import { DeviceError } from "@blkmig/device/memory";
import { ProtocolError } from "@blkmig/protocol";

import { LoadError, type LoadErrorCode } from "./load-error.ts";

/** Why the load must end, as first seen; `load()` makes a `LoadError` of it. */
export class Refusal extends Error {
  readonly code: LoadErrorCode;

  constructor(code: LoadErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The public error for whatever ended a load. */
export function loadErrorOf(error: unknown, state: { touched: boolean; recognised: boolean }): LoadError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Refusal) return new LoadError(error.code, message, state, { cause: error.cause });
  if (error instanceof ProtocolError) return new LoadError("protocol", message, state, { cause: error });
  if (error instanceof DeviceError) return new LoadError("device", message, state, { cause: error });
  return new LoadError("wire", `the wire broke: ${message}`, state, { cause: error });
}
