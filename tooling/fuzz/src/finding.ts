/** A decoder did what none may do: the message says what. */
export class Finding extends Error {
  override readonly name = "Finding";
}

/** An error as a room's own is: its class, and a code where the class has one. */
type Refusal = Error & { readonly code?: string; readonly position?: number };

const SHORTEST_SENTENCE = 8;
const LONGEST_SENTENCE = 10_000;

/** The error as what a decoder may throw; a `Finding` if it is of another class, or is no sentence. */
export function refusalIn(error: unknown, ofRoom: abstract new (...parts: never[]) => Error): Refusal {
  if (error instanceof Finding) throw error;
  if (!(error instanceof ofRoom)) {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new Finding(`throws ${what}, and not a ${ofRoom.name}`, { cause: error });
  }
  const { length } = error.message;
  if (length >= SHORTEST_SENTENCE && length <= LONGEST_SENTENCE) return error;
  throw new Finding(`refuses with a sentence of ${length} characters`, { cause: error });
}
