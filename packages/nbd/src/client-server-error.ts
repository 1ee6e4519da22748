import { ERROR } from "./nbd-numbers.ts";

/** The server said no to one request; the connection lives on. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  /** One of `ERROR`, or what the server sent instead. */
  readonly error: number;
  /** The byte at which it failed, where the server says. */
  readonly offset: number | undefined;

  constructor(error: number, words: string, offset: number | undefined) {
    super(words === "" ? nameOf(error) : `${nameOf(error)} (${words})`);
    this.error = error;
    this.offset = offset;
  }
}

function nameOf(error: number): string {
  return Object.entries(ERROR).find(([, value]) => value === error)?.[0] ?? `error ${error}`;
}
