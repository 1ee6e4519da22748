import type { Clock } from "./clock.ts";

/** When a peer was heard last, and how long it takes to answer. */
export interface Pulse {
  onBytes(): void;
  /** Milliseconds since anything came. */
  silentMs(): number;
  /** The next ping to send, unless one is not answered yet. */
  ping(): number | undefined;
  onPong(value: number): void;
  /** The shortest so far, milliseconds. */
  readonly roundTrip: number | undefined;
}

export function createPulse(clock: Clock): Pulse {
  let heardAt = clock.now();
  let pings = 0;
  let pingedAt: number | undefined;
  let roundTrip: number | undefined;
  return {
    onBytes() {
      heardAt = clock.now();
    },
    silentMs: () => clock.now() - heardAt,
    ping() {
      if (pingedAt !== undefined) return undefined;
      pingedAt = clock.now();
      return ++pings;
    },
    onPong(value) {
      if (value !== pings || pingedAt === undefined) return;
      roundTrip = Math.min(roundTrip ?? Infinity, clock.now() - pingedAt);
      pingedAt = undefined;
    },
    get roundTrip() {
      return roundTrip;
    },
  };
}
