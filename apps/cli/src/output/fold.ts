/** Sentences that strangers can bring about as often as they like. */
export interface Fold {
  /** Tells the first few of a kind, and counts the others. `why` says the kind, by its words up to the first figure or quotation. */
  tell(message: string, why: string): void;
  /** Tells at once what was counted. */
  flush(): void;
}

export interface FoldWorld {
  readonly tell: (message: string) => void;
  /** Runs it after so many milliseconds; that must not keep the process. */
  readonly later: (ms: number, act: () => void) => void;
}

interface Kind {
  told: number;
  counted: number;
  last: string;
  wait: number;
}

const TOLD_OF_A_KIND = 5;
/** A stranger who can be wrong in many ways must not fill the log with all of them: what is more is one kind together. */
const MOST_KINDS = 3;
const FIRST_WAIT_MS = 1000;
const MOST_WAIT_MS = 60_000;

/** A flood becomes a line now and then, more seldom the longer it lasts; what was quiet for as long is told as if it were new. */
export function createFold({ tell, later }: FoldWorld): Fold {
  const kinds = new Map<string, Kind>();

  const kindOf = (why: string): [name: string, kind: Kind] => {
    const words = /^[^'"\d:]*/.exec(why)![0];
    const name = kinds.has(words) || kinds.size < MOST_KINDS ? words : "";
    const kind = kinds.get(name) ?? { told: 0, counted: 0, last: "", wait: FIRST_WAIT_MS };
    kinds.set(name, kind);
    return [name, kind];
  };

  const tellCounted = (kind: Kind): void => {
    if (kind.counted > 0) tell(kind.counted === 1 ? kind.last : `${kind.last} (and ${kind.counted - 1} more)`);
    kind.counted = 0;
  };

  const look = (name: string, kind: Kind): void => {
    if (kind.counted === 0) return void kinds.delete(name);
    tellCounted(kind);
    kind.wait = Math.min(MOST_WAIT_MS, kind.wait * 2);
    later(kind.wait, () => look(name, kind));
  };

  return {
    tell(message, why) {
      const [name, kind] = kindOf(why);
      if (++kind.told <= TOLD_OF_A_KIND) return tell(message);
      kind.last = message;
      kind.counted++;
      if (kind.told === TOLD_OF_A_KIND + 1) later(kind.wait, () => look(name, kind));
    },
    flush() {
      for (const kind of kinds.values()) tellCounted(kind);
    },
  };
}
