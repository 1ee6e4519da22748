import {
  createSessionDecoder,
  encodeMessage,
  encodeSessionPreface,
  type Segments,
  type SessionFrame,
  type SessionMessage,
} from "@blkmig/protocol";

type SaidBy<Say, Message = SessionMessage> = Message extends { readonly say: infer One }
  ? Say extends One
    ? Message
    : never
  : never;
type FrameOf<Type, Frame = SessionFrame> = Frame extends { readonly type: infer One }
  ? Type extends One
    ? Frame
    : never
  : never;

/** One direction of a wire: what is put in comes out, `split` bytes at most at a time, and never within the same turn. */
function createPipe(split: number) {
  let bytes = Buffer.alloc(0);
  let isFinished = false;
  let failure: Error | undefined;
  let wake = (): void => {};
  return {
    put(data: Segments): void {
      bytes = Buffer.concat([bytes, ...data]);
      wake();
    },
    finish(): void {
      isFinished = true;
      wake();
    },
    fail(error: Error): void {
      failure = error;
      wake();
    },
    async read(into: Uint8Array): Promise<number> {
      for (;;) {
        await new Promise(setImmediate);
        if (failure) throw failure;
        const length = Math.min(into.length, split, bytes.length);
        into.set(bytes.subarray(0, length));
        bytes = bytes.subarray(length);
        if (length > 0 || isFinished) return length;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** A source played by hand over a memory wire. Only what is asked for is said, and only what is awaited is heard. */
export function createHandDrivenSource(split = 70_000) {
  const there = createPipe(split);
  const back = createPipe(split);
  const decoder = createSessionDecoder();
  let destroyed: Error | undefined;
  let sent = 0;
  let letGo: (() => void) | undefined;
  let held: Promise<void> | undefined;

  const hear = async (): Promise<SessionFrame | undefined> => {
    for (;;) {
      const frame = decoder.next();
      if (frame) return frame;
      const bytes = await back.read(decoder.want());
      if (bytes === 0) return undefined;
      decoder.accept(bytes);
    }
  };

  /** The next frame of this type; acknowledgements and heartbeats in between are passed over. */
  const next = async <Type extends SessionFrame["type"]>(type: Type): Promise<FrameOf<Type>> => {
    for (;;) {
      const frame = await hear();
      if (frame?.type === type) return frame as unknown as FrameOf<Type>;
      if (frame?.type === "ack" || frame?.type === "ping") continue;
      throw new Error(`heard ${JSON.stringify(frame)} instead of '${type}'`);
    }
  };

  return {
    /** The sink's end. */
    wire: {
      read: there.read,
      async send(data: Segments) {
        await new Promise(setImmediate);
        await held;
        if (destroyed) throw destroyed;
        for (const { length } of data) sent += length;
        back.put(data);
      },
      /** Takes nothing until it is let go. */
      hold() {
        held = new Promise((resolve) => {
          letGo = resolve;
        });
      },
      letGo: () => letGo?.(),
      destroy(reason?: Error) {
        destroyed = reason ?? new Error("destroyed");
        there.fail(destroyed);
        back.finish();
      },
    },
    put: there.put,
    open: () => there.put(encodeSessionPreface()),
    say: (message: SessionMessage) => there.put(encodeMessage(message)),
    next,
    async heard<Say extends SessionMessage["say"]>(say: Say): Promise<SaidBy<Say>> {
      const { message } = await next("message");
      if (message.say === say) return message as SaidBy<Say>;
      throw new Error(`heard ${JSON.stringify(message)} instead of '${say}'`);
    },
    /** Waits for an acknowledgement of so many frames. */
    async acked(frames: number, what: "written" | "durable" = "written"): Promise<void> {
      for (;;) {
        const ack = await hear();
        if (ack?.type === "ping") continue;
        if (ack?.type !== "ack") throw new Error(`heard ${JSON.stringify(ack)} instead of an acknowledgement`);
        if (ack[what] === frames) return;
      }
    },
    /** What is heard until the wire ends. */
    async rest(): Promise<SessionFrame[]> {
      const frames: SessionFrame[] = [];
      for (let frame = await hear(); frame; frame = await hear()) frames.push(frame);
      return frames;
    },
    hear,
    finish: () => there.finish(),
    cut: (why = "ECONNRESET") => there.fail(new Error(why)),
    /** What the sink's end does when nobody writes there any more. */
    closeBack: () => back.finish(),
    /** Bytes that the sink sent, its preface among them. */
    bytesHeard: () => sent,
    isDestroyed: () => destroyed !== undefined,
  };
}

export type HandDrivenSource = ReturnType<typeof createHandDrivenSource>;
