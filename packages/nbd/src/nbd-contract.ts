import type { BlockDevice, Clock } from "@blkmig/device";
import type { Connection } from "@blkmig/transport";
import type { TlsOptions } from "@blkmig/transport/tls";

import type { NbdError } from "./nbd-error.ts";

/** An NBD URI, taken apart: `nbd://host:port/export`, `nbds:` with TLS, `nbd+unix:///export?socket=/path`, `nbds+unix:`. */
export interface NbdUrl {
  /** Host without brackets; the port is 10809 where none was said. */
  readonly at:
    | { readonly kind: "tcp"; readonly host: string; readonly port: number }
    | { readonly kind: "unix"; readonly path: string };
  /** "" is the server's default export. */
  readonly exportName: string;
  /** `nbds:`: nothing but the first option is in clear text. */
  readonly secure: boolean;
  /** With a PSK file: whose key; default the first one's in it. */
  readonly user?: string;
  /** `tls-psk-file`: lines of `user:hex`, as psktool and QEMU write them. */
  readonly pskFile?: string;
  /** `tls-certificates`: a folder with ca-cert.pem and client-cert.pem, client-key.pem (a server's: server-cert.pem, server-key.pem). */
  readonly certificates?: string;
}

/** Requests that a server takes; all in bytes. A request outside of them is answered with an error. */
export interface BlockSizes {
  /** A power of two; offsets and lengths are multiples of it. */
  readonly minimum: number;
  readonly preferred: number;
  /** The longest read or write. */
  readonly maximum: number;
}

/**
 * What a server says of itself to a client that asks to be the only link to an export (`blkmig:link`, docs/nbd.md): whether it is
 * still the same disk, and whether unflushed writes can have been lost.
 */
export interface LinkIdentity {
  /** Another value than before: what was acknowledged and not flushed may be gone. The kernel's boot id, for local disks. */
  readonly run: string;
  /** Another value than before: it is another disk. The id of the migration that brought it. */
  readonly disk: string;
}

/** A disk as a server offers it. */
export interface NbdExport {
  /** What a client asks for; "" is the default one, and also given to whoever asks for "" if there is only one export. */
  readonly name: string;
  readonly description?: string;
  /** Borrowed until the server is closed. */
  readonly device: BlockDevice;
  /** Default: what the device is. */
  readonly readOnly?: boolean;
  /** Default: any byte, 4096 preferred, 32 MiB at most. */
  readonly blockSizes?: Partial<BlockSizes>;
  /** Lets one client hold the only link to it. */
  readonly link?: LinkIdentity;
}

/** What the clients of a server may take, together and each. */
export interface NbdServerLimits {
  /**
   * Clients at once. Who comes then takes the place of the longest that has said nothing, or for which nothing has been done yet; if there
   * is none, it is hung up on. Default 256.
   */
  readonly clients?: number;
  /** Requests of one client under way. Default 64. */
  readonly requests?: number;
  /** Payload bytes of all clients together under way; a 512th of it is each client's own besides. Default 128 MiB. */
  readonly bufferedBytes?: number;
  /** How long a client may take to choose its export. Milliseconds; default 30 s. */
  readonly handshakeMs?: number;
}

/** What is served, how it is protected, and what it may cost. */
export interface NbdServerOptions {
  /** Asked at each negotiation: exports come and go. */
  readonly exports: () => readonly NbdExport[];
  /** Then nothing is answered in clear text but STARTTLS. */
  readonly tls?: TlsOptions;
  readonly limits?: NbdServerLimits;
  readonly clock?: Clock;
  readonly onEvent?: (event: NbdServerEvent) => void;
}

/** Who came to a server, and how they left. */
export type NbdServerEvent =
  | { readonly type: "joined"; readonly peer: string; readonly exportName: string }
  /** `why` is undefined for a client that said goodbye. */
  | { readonly type: "left"; readonly peer: string; readonly exportName: string; readonly why: string | undefined }
  /** It asked what is here, and said goodbye. */
  | { readonly type: "visited"; readonly peer: string }
  /** It never got an export. */
  | { readonly type: "refused"; readonly peer: string; readonly why: string };

/** Speaks NBD with clients. Knows no sockets: connections are given to it. */
export interface NbdServer {
  /** Serves one client until it leaves; takes ownership of the connection. Never throws. */
  serve(connection: Connection): Promise<void>;
  /** Who has an export now. */
  clients(): readonly { readonly peer: string; readonly exportName: string }[];
  /**
   * Hangs up on the clients of an export. `finish`: what they had asked for is answered first, and nothing more is read.
   * `now`: at once; requests that are under way end at the device and are not answered.
   */
  drop(exportName: string, how: "finish" | "now"): Promise<void>;
  /** The same with all clients; whoever comes then is hung up on. Twice is once, and `now` overtakes `finish`. */
  close(how: "finish" | "now"): Promise<void>;
}

/** How somebody else's disk is opened, and for how long it is waited for. */
export interface OpenNbdOptions {
  /** What messages call the disk. Default: the URL. */
  readonly name?: string;
  /** Never write. Default: what the server says. */
  readonly readOnly?: boolean;
  /** Default 4, where the server lets many connections see one disk; else 1. */
  readonly connections?: number;
  /** Instead of the files that the URL names. */
  readonly tls?: TlsOptions;
  /** Ends the opening, not the disk. */
  readonly signal?: AbortSignal;
  /** How long a broken connection is tried again before its requests fail. Milliseconds; default 1 minute; Infinity: for ever. */
  readonly reconnectFor?: number;
  /**
   * How long a server may leave requests unanswered before its connection is taken for dead and hung up on: then it is made anew, as after
   * any break. Some of one answer, on that connection, is enough. Milliseconds, and up to a quarter longer; default: no limit.
   */
  readonly answerWithin?: number;
  /**
   * To be the only link to a disk of ours: the server, which must offer that, fences every earlier link of the same key (its writes have
   * settled, or never will) before it welcomes this one. Only so may writes be sent again after a reconnect. One connection.
   */
  readonly link?: string;
  /**
   * A dirty bitmap that the server exports, by its name in QEMU (`qemu-nbd --bitmap`, `bitmaps` of `block-export-add`): `dirty()` tells of
   * it. A server that does not is refused with `option`. Holes are not asked for then: looking for them would hold up each answer.
   */
  readonly dirtyBitmap?: string;
  readonly clock?: Clock;
  readonly onEvent?: (event: NbdClientEvent) => void;
}

/** What happens to a client's connections. */
export type NbdClientEvent =
  /** `waitMs` until the next attempt; undefined: it is connected again. */
  | { readonly type: "reconnect"; readonly why: string; readonly waitMs: number | undefined }
  /** No request will succeed any more: `lost`, `changed`, or given up. */
  | { readonly type: "failed"; readonly error: NbdError };

/** A run of bytes, and whether the bitmap has them. */
export interface DirtyExtent {
  readonly offset: number;
  readonly length: number;
  readonly dirty: boolean;
}

/** A disk behind NBD. */
export interface NbdDevice extends BlockDevice {
  /** Without secrets. */
  readonly url: string;
  readonly blockSizes: BlockSizes;
  /** What the server offered, and what is known of it. */
  readonly features: {
    readonly flush: boolean;
    readonly fua: boolean;
    readonly trim: boolean;
    readonly writeZeroes: boolean;
    readonly fastZero: boolean;
    readonly cache: boolean;
    readonly multiConn: boolean;
    readonly structured: boolean;
    /** `base:allocation`: holes and zeroes are known. */
    readonly allocation: boolean;
    /** `qemu:allocation-depth`: `allocated` of an extent means: in the top layer, above any backing file. */
    readonly allocationDepth: boolean;
  };
  /** With `link`: who the server says it is. */
  readonly identity: LinkIdentity | undefined;
  /** Whether anything that was written is acknowledged and not known to be on stable storage. */
  readonly unflushed: boolean;
  /**
   * What `dirtyBitmap` says of these bytes: in order, no gaps, neighbours of one kind joined. It is no instant: a bitmap that is written
   * meanwhile is one now here, one later there. Without the option iterating throws `DeviceError` `not-supported`.
   */
  dirty(offset: number, length: number): AsyncIterable<DirtyExtent>;
}
