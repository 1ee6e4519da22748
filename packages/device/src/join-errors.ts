/** Throws what failed: the one reason as it is, several as an `AggregateError`, nothing if nothing failed. */
export function throwFailures(outcomes: readonly PromiseSettledResult<unknown>[], message: string): void {
  const reasons = outcomes.filter((outcome) => outcome.status === "rejected").map((outcome): unknown => outcome.reason);
  if (reasons.length > 1) throw new AggregateError(reasons, message);
  if (reasons.length === 1) throw reasons[0];
}
