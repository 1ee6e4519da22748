import { spawn } from "node:child_process";
import { once } from "node:events";

import { toAbortError } from "./abort-error.ts";
import { ChildEnding } from "./child-ending.ts";
import type { Connection } from "./connection.ts";
import { toShellLine } from "./shell-line.ts";
import { createSshConnection } from "./ssh-connection.ts";
import { systemWords } from "./system-words.ts";
import { TransportError } from "./transport-error.ts";
import { formatWireUrl } from "./wire-url-text.ts";
import type { WireUrl } from "./wire-url.ts";

/** What is run, here and there, for an `ssh:` wire. */
export interface SshOptions {
  /** The program here and its first arguments; default `["ssh"]`. */
  readonly command?: readonly string[];
  /** What is run there by a POSIX shell: a program and its arguments, word for word, whatever is in them. */
  readonly remote: readonly string[];
  /** Hears what the program here, and so the one there, says on its standard error, line by line. */
  readonly onStderr?: (line: string) => void;
}

/**
 * Runs a program on another machine and speaks with its standard input and output. Whether the login succeeded shows with
 * the first read or send. `destroy()` ends the program here, unless all was sent: then it may still be passing it on. Throws
 * `TransportError` `connect` when it cannot be run; when it ends otherwise than with code 0, everything throws `io` with
 * the code and the last line it said.
 */
export async function connectSsh(
  url: WireUrl & { readonly kind: "ssh" },
  options: SshOptions & { readonly signal?: AbortSignal },
): Promise<Connection> {
  const { command: [program = "ssh", ...first] = [], remote, onStderr, signal } = options;
  if (remote.length === 0) throw new TypeError("ssh.remote names no program");
  const peer = formatWireUrl(url);
  if (signal?.aborted) throw toAbortError(peer, signal.reason);
  const where = url.user === undefined ? url.host : `${url.user}@${url.host}`;
  const port = url.port === undefined ? [] : ["-p", String(url.port)];
  // No terminal (-T), which would change bytes; and what follows `--` is no option, whatever it looks like.
  const words = [...first, ...port, "-T", "--", where, toShellLine(remote)];
  try {
    const child = spawn(program, words);
    const ending = new ChildEnding(child, peer, onStderr);
    await once(child, "spawn");
    child.on("error", () => {}); // a signal that could not be sent: it has ended
    return createSshConnection(child, ending, peer);
  } catch (error) {
    throw new TransportError("connect", peer, `cannot run '${program}': ${systemWords(error)}`, { cause: error });
  }
}
