import type { TLSSocket } from "node:tls";

/** Tells from now on whether TLS has heard of its end, the peer's `close_notify`. To be asked before anything can have been read. */
export function watchForEnd(socket: TLSSocket): () => boolean {
  let hasEnd = false;
  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
    hasEnd ||= chunk === null;
    return push(chunk, encoding);
  };
  return () => hasEnd;
}
