const WINDOW_MS = 1000;
const MOST_IN_WINDOW = 10;
/** What is steady is told less often than allowed, so that a change of phase can always be told. */
const STEADY_EVERY_MS = 200;

/** Says whether a status may be told now: at most ten a second, a changed one before a steady one. */
export function createStatusLimit(now: () => number): (phase: string) => boolean {
  let told: number[] = [];
  let lastPhase: string | undefined;
  return (phase) => {
    const at = now();
    told = told.filter((time) => at - time < WINDOW_MS);
    const last = told.at(-1);
    const isSteady = phase === lastPhase && last !== undefined && at - last < STEADY_EVERY_MS;
    if (isSteady || told.length >= MOST_IN_WINDOW) return false;
    told.push(at);
    lastPhase = phase;
    return true;
  };
}
