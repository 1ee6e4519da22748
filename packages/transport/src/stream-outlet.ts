import type { Writable } from "node:stream";

import type { Outlet } from "./outbox.ts";

/** Bytes leave by a Node stream. */
export function createStreamOutlet(stream: Writable): Outlet {
  return {
    write(segments, done) {
      const last = segments.length - 1;
      stream.cork(); // or every small header would be a packet of its own
      // The callback of the last one, not what `write` returns: that only says how much is queued, and the memory is
      // still being read then.
      segments.forEach((segment, i) => stream.write(segment, i === last ? done : undefined));
      stream.uncork();
    },
    end: (done) => void stream.end(done),
  };
}
