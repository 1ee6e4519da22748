/** A time in which somebody may come back. */
export interface Waiting {
  /** From now on, unless it has begun already. */
  begin(): void;
  /** Somebody is back. */
  end(): void;
}

export function createWaiting(ms: number, onPassed: () => void): Waiting {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin() {
      timer ??= setTimeout(onPassed, ms);
    },
    end() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
