/** What was acknowledged and is not known to be on stable storage: the part of a disk that a crash of its server takes. */
export class Ledger {
  #acknowledged = 0;
  #flushed = 0;
  #loss: string | undefined;

  /** How many writes and zeroes were acknowledged: what a flush that is sent now covers. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get hasUnflushed(): boolean {
    return this.#acknowledged > this.#flushed;
  }

  /** Why no flush can be believed any more. */
  get loss(): string | undefined {
    return this.#loss;
  }

  acknowledge(): void {
    this.#acknowledged += 1;
  }

  /** `covered`: how many had been acknowledged when the flush was sent. Later ones may have missed it. */
  flush(covered: number): void {
    this.#flushed = Math.max(this.#flushed, covered);
  }

  /** For good: a later flush says nothing of writes that are gone. */
  lose(why: string): void {
    this.#loss ??= why;
  }
}
