/** What is needed of the standard `WebSocket`, spelled out: the types of a browser are not there in every program. */
export interface WebSocketShape {
  binaryType: string;
  readonly readyState: number;
  /** Bytes that `send` has taken and that have not left. */
  readonly bufferedAmount: number;
  /** Copies; no memory that is shared with other threads. */
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  addEventListener(type: "open" | "message" | "error" | "close", listener: (event: WebSocketEvent) => void): void;
}

/** A message's `data`, a close's `code`. */
export interface WebSocketEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly code?: number;
}

export const OPEN = 1;
