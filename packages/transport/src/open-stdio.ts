import { closeSync, createReadStream, createWriteStream, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

import type { Connection } from "./connection.ts";
import type { Inbox } from "./inbox.ts";
import { readStream } from "./read-stream.ts";
import { readDescriptor } from "./socket-reader.ts";
import { createStreamConnection } from "./stream-connection.ts";
import { toTransportError } from "./wire-state.ts";

const STDERR = 2;

/** Which streams are the wire. */
export interface StdioOptions {
  /** A stream or a file descriptor to read from; default 0, standard input. */
  readonly input?: Readable | number;
  /**
   * A stream or a file descriptor to write to; default 1, standard output. The stream must be done with the memory when
   * it calls back, as pipes, sockets and files are; a `PassThrough` is not: it hands the sender's memory to its reader.
   */
  readonly output?: Writable | number;
  /** Who is at the other end, for a person; default `stdio:`. */
  readonly url?: string;
}

/**
 * What comes in and goes out of this process as one connection; it owns both ends, and `finish()` closes the output. It
 * does not touch `process.stdin` and `process.stdout`: the latter writes to pipes without giving way to anything else,
 * two such peers wait for each other for ever, and it cannot be closed. So nothing else may use them either.
 *
 * A pipe cannot tell an abort from an end: the peer's reads give 0 after both. Throws `TransportError` `io`.
 */
export function openStdio(options: StdioOptions = {}): Connection {
  const { input = 0, output = 1, url = "stdio:" } = options;
  try {
    const { stream, inbox } =
      typeof input === "number" ? openInput(input) : { stream: input, inbox: readStream(input) };
    const writable = typeof output === "number" ? openOutput(output) : output;
    return createStreamConnection(stream, inbox, writable, url);
  } catch (error) {
    throw toTransportError(url, error);
  }
}

/** A file descriptor to read from, and where its bytes go. */
export function openInput(fd: number): { readonly stream: Readable; readonly inbox: Inbox } {
  if (!canPoll(fd)) {
    const stream = createReadStream("", { fd });
    return { stream, inbox: readStream(stream) };
  }
  const { socket, inbox } = readDescriptor(fd);
  return { stream: socket, inbox };
}

export function openOutput(fd: number): Writable {
  if (!canPoll(fd)) return createWriteStream("", { fd });
  const socket = new Socket({ fd, readable: false, writable: true });
  if (fd <= STDERR && fstatSync(fd).isFIFO()) socket.once("close", () => closeForGood(fd));
  return socket;
}

/**
 * libuv never closes descriptors 0 to 2, and a pipe, other than a socket, has no other end than that: its reader would wait
 * for ever.
 */
function closeForGood(fd: number): void {
  closeSync(fd);
  openSync("/dev/null", "w"); // takes its place: a file opened later must not stand where programs print
}

/** Pipes and sockets are waited for; files and terminals are read and written by the thread pool. */
function canPoll(fd: number): boolean {
  const file = fstatSync(fd);
  return file.isFIFO() || file.isSocket();
}
