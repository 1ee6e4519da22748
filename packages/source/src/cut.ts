import { Stop } from "./stop.ts";

/** A session's connection broke: the session goes on over another one. */
export class Cut extends Error {
  /** What a migration says that ends because of it. */
  toStop(): Stop {
    return new Stop("wire", `the wire broke: ${this.message}`, { cause: this.cause ?? this });
  }
}
