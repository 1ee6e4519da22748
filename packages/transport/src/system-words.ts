/** Where Node.js has a code alone, "connect ECONNREFUSED 10.0.0.2:4711", or words that mislead. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EAI_AGAIN: "names cannot be looked up just now",
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the peer went away",
  EHOSTUNREACH: "no way leads to that host",
  ENETUNREACH: "no way leads to that network",
  ENOENT: "no such file or directory",
  ENOTFOUND: "no host of that name is known",
  ETIMEDOUT: "nobody answers",
};

/** "ENOSPC: no space left on device, write": what stands before the call, which is no person's business. */
const WITH_WORDS = /^(?:\w+ )?E[A-Z0-9_]+: (?<words>.+?)(?:, \w+(?: '.*)?)?$/su;

/** `NodeJS.ErrnoException`, as far as it is looked at: this file is for browsers, too. */
type SystemError = Error & { readonly code?: string; readonly address?: string };

/**
 * What the system said, for people: its words, and its code in brackets. The call and the address are left out: the sentence that
 * this is a part of has the address already. What is no system error keeps its message.
 */
export function systemWords(error: unknown): string {
  // `localhost` may be two addresses: then each attempt has an error of its own, and the sum has no message.
  if (error instanceof AggregateError) return [...new Set(error.errors.map(systemWords))].join(", ");
  if (!(error instanceof Error)) return String(error);
  const { code = "", message, address } = error as SystemError;
  const words = WORDS[code] ?? withoutAddress(WITH_WORDS.exec(message)?.groups?.["words"], address);
  return words === undefined ? message : `${words} (${code})`;
}

/** A listener's error ends with where it was to listen. */
function withoutAddress(words: string | undefined, address: string | undefined): string | undefined {
  const at = address === undefined ? -1 : (words?.lastIndexOf(` ${address}`) ?? -1);
  return at === -1 ? words : words?.slice(0, at);
}
