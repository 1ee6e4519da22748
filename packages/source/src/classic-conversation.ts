import { type Answer, earlyAnswer, explained, readAnswer, verdict } from "./answer.ts";
import { createClassicOutlet } from "./classic-outlet.ts";
import type { Clock } from "./clock.ts";
import type { Conversation } from "./conversation.ts";
import type { Custody } from "./custody.ts";
import type { SourceWire } from "./migration-options.ts";
import type { MigrationSource } from "./source-contract.ts";
import type { WireFormat } from "./wire-format.ts";

export interface ClassicParts {
  readonly wire: SourceWire;
  readonly format: WireFormat;
  readonly clock: Clock;
  readonly custody: Custody;
  /** The caller's: ends waiting for the answer. */
  readonly signal: AbortSignal | undefined;
  /** Asked when all has left and the guest is paused. Throws `Stop`. */
  readonly confirm: () => Promise<void>;
}

/** A one-way stream, whose last frames may commit; the answer on the return path proves it, where there is one. */
export function createClassicConversation(parts: ClassicParts): Conversation {
  const { wire, format, clock, custody, signal, confirm } = parts;
  let source: MigrationSource | undefined;
  let answer: Promise<Answer> | undefined;

  /** Before it was asked any answer ends the migration; a no need not wait for frames that nobody takes. */
  const hear = (said: Answer): void => {
    if (!custody.asked) custody.end(earlyAnswer(said));
    else if (said.said !== "yes") wire.destroy();
  };

  /** Sends the rest and the last frames. What breaks after them is not thrown but given: only the answer decides then. */
  const sendTheRest = async (): Promise<unknown> => {
    try {
      await source?.complete(async () => {
        await confirm();
        custody.ask();
      });
      if (!answer || !format.saysItsEnd) await wire.finish();
      return undefined;
    } catch (error) {
      if (!custody.asked) throw error;
      return error;
    }
  };

  return {
    async open(_disks, flights) {
      custody.ending.throwIfAborted();
      answer =
        wire.read &&
        readAnswer(
          (into) => wire.read!(into),
          (ping) => source?.acknowledge(ping),
        );
      void answer?.then(hear);
      return createClassicOutlet(format, wire, flights);
    },
    async begin(begun) {
      source = begun;
    },
    toVerify: () => 0,
    overhead: 0,
    claimMore: () => false,
    prepare: async () => {},
    async commit() {
      const proved = await verdict(answer, await sendTheRest(), signal);
      if (answer && format.saysItsEnd) await wire.finish().catch(() => {}); // proved: whoever has closed already may
      return proved;
    },
    async mend(error) {
      throw error;
    },
    explain: async (stop) => (stop.code === "wire" && answer ? explained(stop, answer, clock) : stop),
    interrupt: (reason) => wire.destroy(reason),
    leave: async (why) => wire.destroy(why),
  };
}
