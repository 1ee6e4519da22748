import type { BlockDevice } from "@blkmig/device";
import type { ConnectionEnd, SinkSession } from "@blkmig/sink";

import { openTarget } from "./disk-content.ts";
import { outcomeOf } from "./outcome.ts";
import { createListener, hasSaidAsMuch, type SaidBySink, saidWithin } from "./said-by-sink.ts";
import { createSinkRecord, type SinkRecord, startSink } from "./todays-sink.ts";
import type { RecordedConnection, Transcript } from "./transcript.ts";

/** What today's sink made of a recorded source. */
export interface PlayedSource {
  readonly targets: readonly BlockDevice[];
  /** What the sink said, on each connection. */
  readonly said: readonly SaidBySink[];
  readonly ends: readonly ConnectionEnd[];
  readonly decided: readonly string[];
  readonly sink: string;
}

/** How many of the `available` bytes the sink's next read is given. */
export type Split = (available: number) => number;

/** Plays a recorded source to today's sink, connection by connection. */
export async function playSource(transcript: Transcript, split: Split): Promise<PlayedSource> {
  const { scenario, connections, found } = transcript;
  const targets = await Promise.all(scenario.disks.map(openTarget));
  const record = createSinkRecord();
  const sessions: SinkSession[] = [];
  const said: SaidBySink[] = [];
  const ends: ConnectionEnd[] = [];
  for (const connection of connections) {
    const { sinkRun } = connection;
    const session = (sessions[sinkRun] ??= startSink(scenario, targets, record, found[sinkRun] ?? null));
    const wire = playedWire(connection, record, split);
    ends.push(await session.take(wire));
    said.push(wire.said);
  }
  const last = sessions.at(-1)!;
  await last.giveUp("the transcript is over"); // changes nothing where the session has ended as it should
  return { targets, said, ends, decided: record.decided, sink: await outcomeOf(last.ended) };
}

/** The sink's end of a wire behind which a recorded source sends each piece when it did, and not before. */
function playedWire(connection: RecordedConnection, record: SinkRecord, split: Split) {
  const { source, sink, isCut, readBySource, readBySink, decided } = connection;
  const listener = createListener();
  const pieces = [...source];
  let left = isCut ? readBySink : Infinity;
  let rest: Uint8Array = new Uint8Array();
  let wake: (() => void) | undefined;
  record.onChange = () => wake?.();

  /** Settles when the sink has said all that the recorded one had, when this was sent. */
  const heard = async (after: number, isEnough: () => boolean = () => true): Promise<void> => {
    const before = saidWithin(sink, after);
    while (!hasSaidAsMuch(listener.said, before) || !isEnough()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };

  const nextPiece = async (): Promise<void> => {
    const piece = left > 0 ? pieces.shift() : undefined;
    if (piece) {
      await heard(piece.after);
      rest = piece.bytes.subarray(0, left);
      left -= rest.length;
      return;
    }
    if (!isCut) return;
    await heard(readBySource, () => record.decided.length >= decided);
    throw new Error("cut");
  };

  return {
    said: listener.said,
    async read(into: Uint8Array): Promise<number> {
      if (rest.length === 0) await nextPiece();
      const most = Math.min(into.length, rest.length);
      const length = Math.min(most, Math.max(1, split(most)));
      into.set(rest.subarray(0, length));
      rest = rest.subarray(length);
      return length;
    },
    async send(data: readonly Uint8Array[]): Promise<void> {
      await new Promise(setImmediate); // a slow wire: what is said waits for what was said before
      listener.hear(Buffer.concat(data));
      wake?.();
    },
  };
}
