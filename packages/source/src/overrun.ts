/** A pause took longer than the downtime limit before commit was asked for: the guest goes on, for more passes. */
export class Overrun extends Error {
  constructor(ms: number, limit: number) {
    super(
      `the pause would have taken longer than ${limit} ms (${Math.round(ms)} ms so far): the guest goes on for now`,
    );
  }
}
