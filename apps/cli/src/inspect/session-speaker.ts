import type { SessionMessage } from "@blkmig/protocol";

import type { SessionItem } from "./session-item.ts";

/** An end of a session. */
export type Speaker = "source" | "sink";

const SPEAKER_OF_MESSAGE: Readonly<Record<SessionMessage["say"], Speaker>> = {
  hello: "source",
  "hello-other": "source",
  flush: "source",
  prepare: "source",
  seal: "source",
  commit: "source",
  abort: "source",
  outcome: "source",
  done: "source",
  cancel: "source",
  welcome: "sink",
  refused: "sink",
  flushed: "sink",
  ready: "sink",
  sealed: "sink",
  committed: "sink",
  aborted: "sink",
  state: "sink",
  failed: "sink",
};

/** Who alone says such a thing; undefined if either end does. */
export function speakerOf(item: SessionItem): Speaker | undefined {
  switch (item.type) {
    case "data":
    case "hole":
    case "hash":
      return "source";
    case "answer":
    case "ack":
      return "sink";
    case "message":
      return SPEAKER_OF_MESSAGE[item.message.say];
    case "preface":
    case "ping":
    case "pong":
    case "passed-over":
      return undefined;
  }
}
