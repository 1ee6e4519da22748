import type { SessionExtent, SessionMessage } from "@blkmig/protocol";

import type { Clock } from "./clock.ts";
import { createDebt } from "./debt.ts";

type Say = SessionMessage["say"];

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

interface Carried extends Waiter<void> {
  readonly bytes: number;
  /** Bytes of stream up to its end. */
  readonly sent: number;
}

/** What a connection's sink has yet to say: acknowledgements, answers to hashes, and messages, each in order. */
export interface Replies {
  /** Data and hole frames that were sent, in all. */
  readonly carried: number;
  /** Bytes of disk that are not acknowledged, and hashes that are not answered. */
  readonly unacknowledged: number;
  readonly unanswered: number;
  /** Bytes of stream up to the end of the last frame that is acknowledged. */
  readonly acknowledged: number;
  /** A number that grows with whatever is acknowledged or answered of the disks. */
  readonly progress: number;
  /** Milliseconds for which something was asked for in vain, since there was progress. */
  readonly owed: number;
  /** Milliseconds for which something has been asked for, and nothing at all was answered. */
  readonly unheardMs: number;
  /** Settles when the frame that is sent next, up to `sent` bytes of stream, is acknowledged. */
  carry(bytes: number, sent: number): Promise<void>;
  ask(extent: SessionExtent): Promise<boolean>;
  message<Word extends Say>(word: Word): Promise<Extract<SessionMessage, { say: Word }>>;
  /** The first `count` frames are written. Throws `Error` for what cannot be. */
  onAck(count: number): void;
  onAnswer(answer: SessionExtent & { readonly equal: boolean }): void;
  onMessage(message: SessionMessage): void;
  /** Nothing more will be said: whoever waits, now or later, is told. */
  end(reason: Error): void;
}

export function createReplies(clock: Pick<Clock, "now">): Replies {
  const flying: Carried[] = [];
  const questions = createQueues<string, Waiter<boolean>>();
  const requests = createQueues<Say, Waiter<SessionMessage>>();
  const debt = createDebt(clock);
  const silence = createDebt(clock);
  let ended: Error | undefined;
  let carried = 0;
  let written = 0;
  let unacknowledged = 0;
  let unanswered = 0;
  let acknowledged = 0;
  let progress = 0;
  let owed: number | undefined;

  const wait = <T>(enqueue: (waiter: Waiter<T>) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      debt.owe();
      silence.owe();
      enqueue({ resolve, reject });
    });

  const heard = (count: number): void => {
    silence.pay(count);
    silence.forgive();
  };

  const settle = (count: number): void => {
    if (count === 0) return;
    heard(count);
    progress += count;
    debt.pay(count);
    debt.forgive();
  };

  return {
    get carried() {
      return carried;
    },
    get unacknowledged() {
      return unacknowledged;
    },
    get unanswered() {
      return unanswered;
    },
    get acknowledged() {
      return acknowledged;
    },
    get progress() {
      return progress;
    },
    get owed() {
      return owed ?? debt.owed;
    },
    get unheardMs() {
      return silence.owed;
    },
    carry: (bytes, sent) =>
      wait((waiter) => {
        carried++;
        unacknowledged += bytes;
        flying.push({ ...waiter, bytes, sent });
      }),
    ask: (extent) =>
      wait((waiter) => {
        unanswered++;
        questions.push(keyOf(extent), waiter);
      }),
    message: (word) => wait((waiter) => requests.push(word, waiter as Waiter<SessionMessage>)),
    onAck(count) {
      if (count < written || count > carried) throw new Error(`it acknowledged ${count} of ${carried} frames`);
      settle(count - written);
      for (const { bytes, sent, resolve } of flying.splice(0, count - written)) {
        unacknowledged -= bytes;
        acknowledged = sent;
        resolve();
      }
      written = count;
    },
    onAnswer(answer) {
      const waiter = questions.shift(keyOf(answer));
      if (!waiter) throw new Error("it answered what nobody had asked");
      unanswered--;
      settle(1);
      waiter.resolve(answer.equal);
    },
    onMessage(message) {
      const waiter = requests.shift(message.say);
      if (!waiter) return;
      heard(1);
      debt.pay(1);
      waiter.resolve(message);
    },
    end(reason) {
      owed ??= debt.owed; // what has ended owes no more as time goes on
      ended ??= reason;
      for (const { reject } of [...flying, ...questions.all(), ...requests.all()]) reject(reason);
    },
  };
}

const keyOf = ({ disk, offset, length }: SessionExtent): string => `${disk} ${offset} ${length}`;

/** Queues by key; an empty one costs nothing. */
function createQueues<K, T>() {
  const queues = new Map<K, T[]>();
  return {
    push(key: K, item: T): void {
      const queue = queues.get(key);
      if (queue) queue.push(item);
      else queues.set(key, [item]);
    },
    shift(key: K): T | undefined {
      const queue = queues.get(key);
      const first = queue?.shift();
      if (queue?.length === 0) queues.delete(key);
      return first;
    },
    all: (): T[] => [...queues.values()].flat(),
  };
}
