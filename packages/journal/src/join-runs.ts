/** A run of bytes of a disk. */
export interface Run {
  readonly offset: number;
  readonly length: number;
}

/**
 * At most `most` runs that cover the given ones, which are in order and do not overlap: where there are more, those with the
 * smallest gaps between them become one.
 */
export function joinRuns(runs: Iterable<Run>, most: number): readonly (readonly [offset: number, length: number])[] {
  const given = [...runs];
  const gapBefore = (index: number): number => {
    const before = given[index - 1]!;
    return given[index]!.offset - (before.offset + before.length);
  };
  if (given.length === 0) return [];
  const [first = 0, ...rest] = given.keys();
  const widest = rest.toSorted((a, b) => gapBefore(b) - gapBefore(a)).slice(0, most - 1);
  const starts = [first, ...widest].toSorted((a, b) => a - b);
  return starts.map((start, at) => {
    const { offset } = given[start]!;
    const last = given[(starts[at + 1] ?? given.length) - 1]!;
    return [offset, last.offset + last.length - offset] as const;
  });
}
