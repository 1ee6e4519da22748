/** What is run, here and there, for an `ssh:` wire. */
export interface SshOptions {
  /** The program here and its first arguments; default `["ssh"]`. */
  readonly command?: readonly string[];
  /** What is run there: a program and its arguments, word for word, whatever is in them. */
  readonly remote: readonly string[];
  /** Hears what the program here, and so the one there, says on its standard error, line by line. */
  readonly onStderr?: (line: string) => void;
}
