import { type Connection, connectUrl, formatWireUrl, listenUrl, type WireUrl } from "@blkmig/transport/url";

import { isSocket } from "../arguments/parse-address.ts";
import { CommandError } from "../command-error.ts";
import { endingOf, EXIT } from "../exit-code.ts";
import { aborted } from "../interruption.ts";
import type { Output } from "../output/output.ts";
import type { CommandWorld } from "../run-command.ts";
import { canAnswer } from "../stdio-directions.ts";
import { acquaint, type Acquaintance } from "./acquaint.ts";
import { type Door, openDoor } from "./door.ts";
import { openTargets, type Targets } from "./open-targets.ts";
import type { ReceiveOptions } from "./receive-options.ts";
import { createSenderWire, type SenderWire } from "./sender-wire.ts";
import { takeMigration, turnAway } from "./take.ts";
import { assertNothingThere } from "./vm-state.ts";

const UNKNOWN_AT_ONCE = 64;

/** Takes one migration, or with `keep` one after the other; gives the exit code, or throws what ended it. */
export async function receive(options: ReceiveOptions, world: CommandWorld): Promise<number> {
  if (options.vmState !== undefined) await assertNothingThere(options.vmState);
  const targets = await openTargets(options);
  for (const warning of targets.warnings) world.output.warn(warning);
  if (options.connect || !isSocket(options.at)) return receiveFromOne(options, targets, world);
  return receiveFromAnyone(options, targets, world);
}

/** The only peer there will be: what it says must be a stream. */
async function receiveFromOne(options: ReceiveOptions, targets: Targets, world: CommandWorld): Promise<number> {
  const { incremental, vmState } = options;
  const wire = await openOne(options, world).catch(async (error: unknown) => {
    await targets.close("untouched");
    throw error;
  });
  await takeMigration({ wire, targets, incremental, vmState, onAnswered: () => {} }, world);
  return EXIT.ok;
}

async function openOne({ at, connect }: ReceiveOptions, { output, signal }: CommandWorld): Promise<SenderWire> {
  const connection = connect ? await connectUrl(at, { signal }) : await theOneAt(at, output);
  const known: Acquaintance | undefined = await Promise.race([
    acquaint(connection),
    aborted(signal).then(() => undefined),
  ]);
  if (known?.is === "sender") return createSenderWire(connection, known, canAnswer(at));
  connection.destroy();
  if (!known) throw new CommandError("cancelled", "cancelled: nothing had come");
  throw new CommandError("not-a-stream", `${connection.peer}: ${known.why}`);
}

/** Whoever is at standard input, or the stream in a file. */
async function theOneAt(at: WireUrl, output: Output): Promise<Connection> {
  const listener = await listenUrl(at);
  output.event("listening", { url: listener.url });
  const connection = await listener.accept();
  if (!connection) throw new CommandError("refused", `${formatWireUrl(at)}: nobody is there`);
  return connection;
}

async function receiveFromAnyone(options: ReceiveOptions, first: Targets, world: CommandWorld): Promise<number> {
  const { output, signal } = world;
  let targets: Targets | undefined = first;
  let door: Door | undefined;
  try {
    const listener = await listenUrl(options.at);
    output.event("listening", { url: listener.url });
    output.say(`listening at ${listener.url}`);
    const onDrop = (peer: string, why: string): void => output.warn(`dropped ${peer}: ${why}`);
    const opened = openDoor({ listener, within: options.recogniseWithin, atOnce: UNKNOWN_AT_ONCE, onDrop });
    door = opened;
    void aborted(signal).then(() => opened.close());
    for (;;) {
      const sender = await opened.next();
      if (!sender) throw new CommandError("cancelled", "cancelled: no migration was under way");
      output.say(`receiving from ${sender.peer}`);
      const open = targets;
      targets = undefined; // they are closed by whoever takes the migration: then others may have the disks
      const taking = (): Promise<number> => takeFrom(sender.wire, open, options, opened, world);
      if (!options.keep) return await taking();
      await survive(taking, world);
    }
  } finally {
    await targets?.close("untouched");
    await door?.close();
  }
}

/** One migration. Between two of them the disks are let go of, so they are opened again. */
async function takeFrom(
  wire: SenderWire,
  open: Targets | undefined,
  options: ReceiveOptions,
  door: Door,
  world: CommandWorld,
): Promise<number> {
  const onAnswered = (): void => door.open();
  const targets = open ?? (await openAgain(options, wire, onAnswered));
  await takeMigration({ wire, targets, incremental: options.incremental, vmState: options.vmState, onAnswered }, world);
  return EXIT.ok;
}

async function openAgain(options: ReceiveOptions, wire: SenderWire, onAnswered: () => void): Promise<Targets> {
  try {
    return await openTargets(options);
  } catch (error) {
    await turnAway(wire, onAnswered);
    throw error;
  }
}

/** A receiver that is kept goes on after a migration that failed, but not after it was cancelled. */
async function survive(taking: () => Promise<number>, { output, signal }: CommandWorld): Promise<void> {
  try {
    await taking();
  } catch (error) {
    if (signal.aborted) throw error;
    output.ended(endingOf(error));
  }
}
