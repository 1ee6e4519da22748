/** What really struck, and how often: a danger that is only announced proves nothing. */
export interface Strikes {
  count(what: string): void;
  readonly counts: Readonly<Record<string, number>>;
}

export function createStrikes(): Strikes {
  const counts: Record<string, number> = {};
  return {
    count(what) {
      counts[what] = (counts[what] ?? 0) + 1;
    },
    counts,
  };
}
