import type { BlockDevice } from "@blkmig/device";
import { LoadError, type SinkDisk } from "@blkmig/sink";

import { CommandError, messageOf } from "../command-error.ts";
import { createClassicId } from "./classic-id.ts";
import { fitDisk } from "./fitted-disk.ts";
import type { Guard } from "./guard.ts";
import type { OpenTarget, Targets } from "./open-targets.ts";
import { openRecords, type RecordedTarget, withholdFirstBlocks } from "./target-records.ts";

/** The targets of a stream that has no session. They are marked all the same: incomplete, then complete. */
export interface ClassicTargets {
  readonly migration: string;
  readonly disks: readonly SinkDisk[];
  readonly warnings: readonly string[];
  /** INCOMPLETE is on record, from the first write on; `failed` if it could not be, and then no byte is written. */
  readonly mark: "none" | "made" | "failed";
  /** Everything is there and flushed: records that, once, before the sender is told. Throws `LoadError` `journal`. */
  commit(): Promise<void>;
}

/** Throws `CommandError` `refused`. */
export async function openClassicTargets(targets: Targets, guard: Guard): Promise<ClassicTargets> {
  const migration = createClassicId();
  const warnings: string[] = [];
  const recorded: RecordedTarget[] = [];
  for (const name of targets.names) {
    const target = targets.open.get(name) ?? missing(name);
    warnings.push(...(await guard.admit(target, migration)));
    const fitted = fitDisk(target, target.size ?? target.disk.size);
    warnings.push(...fitted.warnings);
    recorded.push({ target, device: fitted.device });
  }
  const { journal } = await openRecords(recorded);
  const withheld = withholdFirstBlocks(recorded);
  let marking: Promise<void> | undefined;
  let committing: Promise<void> | undefined;
  let made: ClassicTargets["mark"] = "none";

  const begin = async (): Promise<void> => {
    made = "failed";
    await journal.begin(migration);
    made = "made";
    guard.begun(migration);
  };
  const mark = async (): Promise<void> => (marking ??= begin());

  const commit = async (): Promise<void> => {
    try {
      await mark();
      await withheld.keep();
      await journal.decide("sealed", 1);
      await withheld.release();
      await journal.decide("committed", 1);
      await journal.done();
      guard.finished(migration);
    } catch (cause) {
      const message = `everything is here, and that could not be recorded: ${messageOf(cause)}`;
      throw new LoadError("journal", message, { touched: true, recognised: true }, { cause });
    }
  };

  return {
    migration,
    disks: withheld.devices.map((device, at) => ({ name: recorded[at]!.target.name, device: markFirst(device, mark) })),
    warnings,
    get mark() {
      return made;
    },
    commit: async () => (committing ??= commit()),
  };
}

function missing(name: string): OpenTarget {
  const why = `disk '${name}': its target is missing, and this sender's stream carries no size: say --size ${name}=BYTES`;
  throw new CommandError("refused", why);
}

/** Before the first byte is written, and not before: whoever sends nothing valid leaves no mark. */
function markFirst(device: BlockDevice, mark: () => Promise<void>): BlockDevice {
  return {
    ...device,
    async write(offset, data) {
      await mark();
      return device.write(offset, data);
    },
    async zero(offset, length, options) {
      await mark();
      return device.zero(offset, length, options);
    },
  };
}
