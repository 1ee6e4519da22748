import type { ChildProcessWithoutNullStreams } from "node:child_process";

import type { ChildEnding } from "./child-ending.ts";
import type { Connection } from "./connection.ts";
import { type Done, Outbox, type Outlet } from "./outbox.ts";
import { readStream } from "./read-stream.ts";
import { createStreamOutlet } from "./stream-outlet.ts";
import { TransportError } from "./transport-error.ts";
import { toTransportError, WireState } from "./wire-state.ts";

/**
 * The standard input and output of a running child as one connection; takes ownership of the child. Its output closes when
 * it ends and when it dies, so an end is believed once the child has said how it ended, or lives on.
 */
export function createSshConnection(
  child: ChildProcessWithoutNullStreams,
  ending: ChildEnding,
  peer: string,
): Connection {
  const { stdin, stdout } = child;
  const state = new WireState(peer);
  const outbox = new Outbox(explained(createStreamOutlet(stdin), ending), state);
  const inbox = readStream(stdout);
  const breakBy = async (error: Error) => {
    state.break((await ending.failure()) ?? toTransportError(peer, error));
  };
  const endOrBreak = async () => {
    const failure = await ending.failure();
    if (failure) return state.break(failure);
    inbox.end();
    const later = await ending.ended;
    return later && state.break(later);
  };
  stdout.on("end", () => void endOrBreak());
  stdout.on("error", (error) => void breakBy(error));
  stdin.on("error", (error) => void breakBy(error));
  stdout.on("close", () => {
    if (!stdout.readableEnded) state.break(new TransportError("reset", peer, "closed in the middle"));
  });
  state.onBreak((error) => {
    if (error.code === "destroyed") inbox.drop(error);
    else inbox.fail(error);
    stdin.destroy();
    stdout.destroy();
    if (!outbox.hasFinished) ending.kill(); // otherwise it may still have to pass on what was sent
  });
  return {
    peer,
    read: (into) => inbox.read(into),
    send: (data) => outbox.send(data),
    finish: () => outbox.finish(),
    destroy: (reason) => void state.destroy(reason),
  };
}

/** A pipe only says that nobody reads any more; why not is known a moment later. */
function explained(outlet: Outlet, ending: ChildEnding): Outlet {
  const explain = (done: Done) => async (failure?: Error | null) => {
    if (!failure) return done();
    const death = await ending.failure();
    return done(death ?? failure);
  };
  return {
    write(segments, done) {
      const explaining = explain(done);
      outlet.write(segments, (failure) => void explaining(failure));
    },
    end(done) {
      const explaining = explain(done);
      outlet.end((failure) => void explaining(failure));
    },
  };
}
