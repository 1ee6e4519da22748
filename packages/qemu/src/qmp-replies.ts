import { randomUUID } from "node:crypto";

import type { QmpMessage } from "./qmp-message.ts";

type Reply = Extract<QmpMessage, { readonly is: "return" | "error" }>;

interface UnderWay {
  readonly settle: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly toGone: () => Error;
}

/** A command that has no answer yet. */
interface Expected {
  readonly id: string;
  /** The answer. Rejects with what `fail` or `end` were given. */
  readonly reply: Promise<Reply>;
}

/** The commands under way, and whose answer is whose. Answers may come in any order; those that nobody waits for are dropped. */
export class QmpReplies {
  /** A monitor may still hold an answer to the client before us: so ids are nobody else's. */
  readonly #prefix = `blkmig-${randomUUID().slice(0, 8)}`;
  readonly #underWay = new Map<unknown, UnderWay>();
  #count = 0;

  /** `toGone` makes the error of this command should the connection end. */
  expect(toGone: () => Error): Expected {
    this.#count += 1;
    const id = `${this.#prefix}-${this.#count}`;
    const reply = new Promise<Reply>((settle, reject) => this.#underWay.set(id, { settle, reject, toGone }));
    return { id, reply };
  }

  settle(reply: Reply): void {
    const command = this.#underWay.get(reply.id);
    this.#underWay.delete(reply.id);
    command?.settle(reply);
  }

  /** Nobody waits for its answer any longer. */
  fail(id: string, error: Error): void {
    const command = this.#underWay.get(id);
    this.#underWay.delete(id);
    command?.reject(error);
  }

  end(): void {
    const commands = [...this.#underWay.values()];
    this.#underWay.clear();
    for (const { reject, toGone } of commands) reject(toGone());
  }
}
