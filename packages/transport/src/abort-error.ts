import { TransportError } from "./transport-error.ts";

/** An attempt ended by a signal: `timeout` if it was `AbortSignal.timeout`, `destroyed` otherwise. */
export function toAbortError(url: string, reason: unknown): TransportError {
  const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
  const [code, what] = isTimeout ? (["timeout", "no answer in time"] as const) : (["destroyed", "given up"] as const);
  return new TransportError(code, url, what, { cause: reason });
}
