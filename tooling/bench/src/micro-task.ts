/** Something small, done often enough in one go to be timed. */
export interface MicroTask {
  readonly name: string;
  /** Bytes of disk that one of it is about. */
  readonly bytes?: number;
  /** How many of it `run()` does. */
  readonly times: number;
  run(): void | Promise<void>;
}

export const KiB = 1024;
export const MiB: number = 1024 * KiB;
/** Enough of what takes some nanoseconds. */
export const MANY = 1000;

/** What `act` gives is kept, or the compiler would leave away what makes it. */
export function repeated(name: string, times: number, act: () => unknown, bytes?: number): MicroTask {
  const kept: unknown[] = [undefined];
  const run = (): void => {
    for (let time = 0; time < times; time++) kept[0] = act();
  };
  return { name, times, run, ...(bytes !== undefined && { bytes }) };
}
