import type { Clock } from "@blkmig/device";

/** Where a monitor listens (`-qmp unix:/path,server=on,wait=off`). A `WireUrl` of these kinds is one. */
export type QmpAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Which QEMU it is. */
export interface QemuVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** The distribution's own words, such as `Debian 1:7.2+dfsg-7`; may be empty. */
  readonly package: string;
}

/** Something that QEMU tells unasked. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970, by QEMU's host; 0 where it does not say. */
  readonly at: number;
}

/** How a monitor is dialled, and how long it may take to answer. */
export interface ConnectQmpOptions {
  /** How long a command may take, the greeting too, unless it says otherwise. Milliseconds; default 30 s. */
  readonly timeoutMs?: number;
  /** Ends the connecting, not the connection. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** What one command needs beyond its arguments. */
export interface ExecuteOptions {
  /** Milliseconds, instead of the connection's. */
  readonly timeoutMs?: number;
}

/** QEMU's monitor protocol: commands by number, side by side, and events. */
export interface Qmp {
  /** For messages: `unix:///run/vm.qmp`. */
  readonly url: string;
  readonly version: QemuVersion;
  /**
   * What QEMU returns for this command. Throws `QemuError`: `refused` with QEMU's class and text, `timeout`, `gone`. After a time-out
   * the command may still be carried out; its late answer is dropped.
   */
  execute(command: string, parameters?: Readonly<Record<string, unknown>>, options?: ExecuteOptions): Promise<unknown>;
  /** Calls it with each event from now on, in order, until the returned function is called. */
  watch(listener: (event: QmpEvent) => void): () => void;
  /**
   * The events from the call on, kept until they are asked for: 10,000 of them, or 16 MiB; one more ends the connection. Ends with it;
   * `return()` ends it before.
   */
  events(): AsyncIterableIterator<QmpEvent>;
  /** Aborts when the connection is over, with the `QemuError` `gone` as reason. */
  readonly ended: AbortSignal;
  /** Lets go; QEMU goes on. Commands under way throw `gone`. Twice is once. */
  close(): void;
}
