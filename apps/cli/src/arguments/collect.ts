/** For commander: the values of an option that may be said again and again. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
