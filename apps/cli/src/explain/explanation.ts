/** What somebody who meets an error code wants to know of it. Each is a sentence, or some. */
export interface Explanation {
  /** When it happens. */
  readonly cause: string;
  readonly remedy: string;
  /** What is left as it was, where its class does not say it all. */
  readonly left?: string;
  /** How the program exits by it, where that is not as its class says. */
  readonly exit?: string;
}

/** The codes of one class, or of one room. */
export interface Explained {
  /** What they are the codes of, as a heading. */
  readonly title: string;
  /** What is left as it was, whichever code it is, and how the program exits by them. */
  readonly left: string;
  readonly codes: Readonly<Record<string, Explanation>>;
}
