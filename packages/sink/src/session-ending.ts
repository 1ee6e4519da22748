import type { LoadError } from "./load-error.ts";
import { loadErrorOf, type Refusal } from "./refusal.ts";
import type { SinkSessionResult } from "./session-contract.ts";
import type { Migration } from "./session-migration.ts";

/** The end of a session, which comes once. */
export interface Ending {
  readonly ended: Promise<SinkSessionResult>;
  readonly isOver: boolean;
  /** Lets go of the targets, then settles `ended`. Only the first call counts; all settle when that one has. */
  conclude(migration: Migration | undefined, how: { readonly told: boolean } | Refusal): Promise<void>;
}

export interface EndingParts {
  readonly resultOf: (migration: Migration, told: boolean) => SinkSessionResult;
  /** Whether a source ever said anything valid. */
  readonly isRecognised: () => boolean;
  readonly onFailed: (error: LoadError) => void;
}

export function createEnding({ resultOf, isRecognised, onFailed }: EndingParts): Ending {
  let settle: { resolve(result: SinkSessionResult): void; reject(error: LoadError): void };
  const ended = new Promise<SinkSessionResult>((resolve, reject) => {
    settle = { resolve, reject };
  });
  ended.catch(() => {}); // who does not ask is told by `onEvent`
  let concluding: Promise<void> | undefined;

  const conclude = async (migration: Migration | undefined, how: { readonly told: boolean } | Refusal) => {
    try {
      await migration?.close();
    } catch (cause) {
      // All of it was flushed before the decision, or the migration has failed already: closing changes neither.
      if (how instanceof Error) how.cause ??= cause;
    }
    if ("told" in how) return settle.resolve(resultOf(migration!, how.told));
    const state = { touched: migration?.touched ?? false, recognised: isRecognised() };
    const error = loadErrorOf(how, state);
    onFailed(error);
    settle.reject(error);
  };

  return {
    ended,
    get isOver() {
      return concluding !== undefined;
    },
    conclude: async (migration, how) => (concluding ??= conclude(migration, how)),
  };
}
