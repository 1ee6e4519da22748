import type { SessionExtent, SessionMessage } from "@blkmig/protocol";

/** Where a frame begins in the stream, and how many bytes of it are its own, header included. */
interface Placed {
  readonly position: number;
  readonly bytes: number;
}

/** Where on a disk: `disk` is its index, `device` its name if HELLO has said it. */
interface Extent extends Placed, SessionExtent {
  readonly device?: string;
}

/** What a session has in one of its directions, each worth a line. */
export type SessionItem =
  /** The eight bytes that open it. */
  | ({ readonly type: "preface" } & Placed)
  | ({ readonly type: "data" | "hole" } & Extent)
  /** The SHA-256 in hex, or that all is zero. */
  | ({ readonly type: "hash"; readonly digest: string } & Extent)
  | ({ readonly type: "answer"; readonly equal: boolean } & Extent)
  | ({ readonly type: "ack"; readonly written: number; readonly durable: number } & Placed)
  | ({ readonly type: "message"; readonly message: SessionMessage } & Placed)
  | ({ readonly type: "ping" | "pong"; readonly value: number } & Placed)
  /** A frame of an optional type, or an optional message, that is not known here; `kind` is the frame's type. */
  | ({ readonly type: "passed-over"; readonly kind: number } & Placed);

/** An item that is about an extent of a disk. */
export type ExtentItem = Extract<SessionItem, { readonly disk: number }>;
