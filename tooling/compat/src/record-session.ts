import { createHash } from "node:crypto";

import { finalContents, openOrigin, openTarget } from "./disk-content.ts";
import { outcomeOf } from "./outcome.ts";
import type { Cut, Scenario } from "./scenario.ts";
import { tappedWire } from "./tapped-wire.ts";
import { createSinkRecord, startSink } from "./todays-sink.ts";
import { runSource } from "./todays-source.ts";
import type { Found, RecordedConnection, Transcript } from "./transcript.ts";

/** Runs today's source against today's sink, and keeps every byte that either said. */
export async function recordSession(scenario: Scenario, migration: string): Promise<Transcript> {
  const origins = await Promise.all(scenario.disks.map(openOrigin));
  const targets = await Promise.all(scenario.disks.map(openTarget));
  const record = createSinkRecord();
  const connections: RecordedConnection[] = [];
  const found: (Found | null)[] = [foundAtFirst(scenario)];
  let session = startSink(scenario, targets, record, found[0]!);
  let ended: Promise<unknown> = Promise.resolve();

  const restart = (): void => {
    const held = record.held ?? scenario.disks.map(() => []);
    found.push({ state: "open", attempt: 0, held });
    session = startSink(scenario, targets, record, found.at(-1)!);
  };

  const connect = async () => {
    await ended; // one receiving program takes one connection after the other
    // Without a limit a source that breaks with its sink again and again would be served for ever.
    if (connections.length > scenario.cuts.length) throw new Error("the wire broke where it was not to");
    const cut = scenario.cuts[connections.length];
    const wire = tappedWire();
    let atEnd: { readSource: number; readSink: number; decided: number } | undefined;
    const close = (): void => {
      atEnd ??= { readSource: wire.read.source, readSink: wire.read.sink, decided: record.decided.length };
    };
    record.onChange = cutter(cut, () => {
      close();
      wire.source.destroy(new Error("cut"));
    });
    const sinkRun = found.length - 1;
    ended = session.take(wire.sink).then(async () => {
      const isCut = atEnd !== undefined;
      await wire.sink.finish().catch(() => {}); // it was cut
      close();
      const { readSource, readSink, decided } = atEnd!;
      const bytes = { readBySource: readSource, readBySink: readSink };
      connections.push({ ...wire.kept, ...bytes, isCut, decided, sinkRun });
      if (cut?.sinkEnds) restart();
    });
    return wire.source;
  };

  const source = await outcomeOf(runSource(scenario, migration, origins, connect));
  await ended;
  return {
    scenario,
    migration,
    connections,
    found,
    decided: record.decided,
    source,
    sink: await outcomeOf(session.ended),
    contents: (await finalContents(scenario)).map((bytes) => createHash("sha256").update(bytes).digest("hex")),
  };
}

/** A run of the sending program that takes something up meets a target that claims to hold all of it. */
function foundAtFirst({ session, disks }: Scenario): Found | null {
  if (!session.resume) return null;
  return { state: "open", attempt: 0, held: disks.map(({ size }) => [{ offset: 0, length: size }]) };
}

/** Breaks the wire at what happens at the sink. */
function cutter(cut: Cut | undefined, strike: () => void): (what: string) => void {
  let writes = 0;
  return (what) => {
    if (!cut) return;
    if (what === "write") writes++;
    const isTime = typeof cut.at === "string" ? what === cut.at : writes === cut.at.writes;
    if (isTime) strike();
  };
}
