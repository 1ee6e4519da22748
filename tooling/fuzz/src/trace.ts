/** What one input made of a decoder, in one number; and what all inputs have reached so far, counted. */
export class Trace {
  readonly reached = new Map<string, number>();
  /** Of all that was noted since `begin()`, in its order. */
  digest = 0;
  /** Whether something was reached, since `begin()`, that no input had reached before. */
  isNovel = false;

  begin(): void {
    this.digest = 0;
    this.isNovel = false;
  }

  /** Something that is reached, and is no part of the answer: it may depend on where the wire was cut. */
  reach(what: string): void {
    const times = this.reached.get(what);
    if (times === undefined) this.isNovel = true;
    this.reached.set(what, (times ?? 0) + 1);
  }

  /** A part of the answer, with its numbers. */
  note(what: string, first = 0, second = 0): void {
    this.reach(what);
    this.text(what);
    this.#mix(first);
    this.#mix(second);
  }

  /** A text that is part of the answer. */
  text(said: string): void {
    for (let at = 0; at < said.length; at++) this.#mix(said.charCodeAt(at));
  }

  /** Bytes that are part of the answer. */
  bytes(came: Uint8Array): void {
    for (const byte of came) this.#mix(byte);
  }

  #mix(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.digest = (Math.imul(this.digest ^ value, 0x0100_0193) + high + 0x9e37) | 0;
  }
}
