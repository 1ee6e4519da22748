import { createEnvelopeDecoder, createVmDescriptionTail, encodePong, type EnvelopeFrame } from "@blkmig/protocol";

import type { LoadOptions, LoadResult } from "./load-options.ts";
import { answer, createLoading } from "./loading.ts";
import { Refusal } from "./refusal.ts";

/** Where everything of a machine goes that is no disk: a stream that a QEMU accepts with the received disks. */
export interface MachineState {
  /** The next bytes, borrowed until it settles. */
  write(bytes: Uint8Array): Promise<void>;
  /** All has come: makes it durable. */
  commit(): Promise<void>;
}

/** As `LoadOptions`; and where the rest of a machine goes that comes along with its disks. */
export interface QemuLoadOptions extends Omit<LoadOptions, "generation"> {
  /** Without it what is no disk is read and dropped. */
  readonly machine?: MachineState;
}

/** As `LoadResult`; and what the sender said of its machine. */
export interface QemuLoadResult extends LoadResult {
  /** The machine type that the sender named; empty if it named none. */
  readonly machineType: string;
}

const EARLY =
  "QEMU says that its disks are complete, but they are not (it ends early where its downtime-limit allows: " +
  "keep downtime-limit at 0 until the bulk phase is over, and use the capability return-path)";

/**
 * Loads what a QEMU sends with `migrate -b`. When every block of every disk is there and durable (and the machine's state,
 * if that is kept) it answers SHUT 0, if QEMU opened its return path, and reads on until QEMU closes. Throws `LoadError`
 * otherwise, after SHUT 1: QEMU then reports `failed`, and its guest goes on. A disk without a name (`-blockdev`) is the only
 * target there is, or refused.
 */
export async function loadFromQemu(options: QemuLoadOptions): Promise<QemuLoadResult> {
  const { wire, machine } = options;
  const decoder = createEnvelopeDecoder({ keep: machine !== undefined });
  const loading = createLoading({ ...options, nameless: true }, (buffer) => decoder.land(buffer));
  const tail = createVmDescriptionTail();
  let machineType = "";
  let mayAnswer = false;
  let blocksEnded = false;
  let opaque = false; // what comes now is not understood, only kept
  let proved = false;
  let answered = false;

  const take = async (frame: EnvelopeFrame): Promise<void> => {
    switch (frame.type) {
      case "configuration":
        machineType = frame.machine;
        return;
      case "command":
        if (frame.command === "open-return-path") mayAnswer = true;
        else await wire.send?.(encodePong(frame.value));
        return;
      case "section-end":
        blocksEnded ||= frame.kind === "end" && frame.name === "block";
        return;
      case "machine":
        if (opaque) tail.add(frame.bytes);
        return machine && keep(machine.write(frame.bytes));
      case "opaque":
        opaque = true;
        return;
      case "header":
      case "section":
        return;
      case "payload":
      case "block":
      case "zero":
      case "progress":
      case "eos":
        await loading.apply(frame);
        loading.check();
    }
  };

  /** The point of no return, as far as QEMU can be told. */
  const commit = async (): Promise<void> => {
    await loading.prove(EARLY);
    if (machine) await keep(machine.commit());
    proved = true;
    if (mayAnswer) answered = await answer(wire, 0);
  };

  const receive = async (): Promise<void> => {
    for (;;) {
      const bytes = await loading.read(decoder.want());
      if (bytes === 0) return;
      decoder.accept(bytes);
      for (let frame = decoder.next(); frame; frame = decoder.next()) await take(frame);
      // With its return path open QEMU does not close before it is answered, so the end must be seen in the bytes.
      if (!proved && blocksEnded && (!machine || tail.find())) await commit();
    }
  };

  const endOfStream = async (): Promise<void> => {
    if (proved) return;
    await loading.settle();
    if (!blocksEnded) throw new Refusal("incomplete", `the stream ended before its disks did${loading.missing()}`);
    decoder.end();
    await commit();
  };

  const loadAll = async (): Promise<void> => {
    try {
      await receive();
    } catch (cause) {
      if (!answered) throw cause;
      throw new Refusal("in-doubt", "QEMU was told that all is here, and the connection broke before it closed", {
        cause,
      });
    }
    await endOfStream();
  };

  await loading.run(loadAll, async () => {
    if (mayAnswer && !answered) await answer(wire, 1);
  });
  return { ...loading.progress(), answered, machineType };
}

async function keep(kept: Promise<void>): Promise<void> {
  try {
    await kept;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Refusal("machine", `the machine's state cannot be kept: ${why}`, { cause });
  }
}
