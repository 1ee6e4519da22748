/** The numbers of the NBD protocol, by the names of its specification (doc/proto.md) without `NBD_`. */

/** "NBDMAGIC": how every server begins. */
export const INIT_MAGIC = 0x4e42_444d_4147_4943n;
/** "IHAVEOPT": a newstyle server's second word, and the front of each option. */
export const OPTION_MAGIC = 0x4948_4156_454f_5054n;
/** The second word of an oldstyle server, which has no options. */
export const OLDSTYLE_MAGIC = 0x0000_4202_8186_1253n;
export const OPTION_REPLY_MAGIC = 0x0003_e889_0455_65a9n;
export const REQUEST_MAGIC = 0x2560_9513;
export const SIMPLE_REPLY_MAGIC = 0x6744_6698;
export const STRUCTURED_REPLY_MAGIC = 0x668e_33ef;

export const DEFAULT_PORT = 10_809;
/** Names of exports and contexts are no longer, in bytes. */
export const MOST_STRING_BYTES = 4096;
/** What an agreed maximum is not needed for: 32 MiB. */
export const PORTABLE_PAYLOAD_BYTES: number = 32 * 1024 * 1024;

/** Bytes on the wire. */
export const OPTION_HEADER_BYTES = 16;
export const OPTION_REPLY_HEADER_BYTES = 20;
export const REQUEST_BYTES = 28;
export const SIMPLE_REPLY_BYTES = 16;
export const CHUNK_HEADER_BYTES = 20;
/** What follows the flags of an export in the answer to EXPORT_NAME, unless NO_ZEROES was agreed on. */
export const EXPORT_NAME_ZEROES = 124;

/** Of the server's 16 bits, and of the client's 32. */
export const HANDSHAKE_FLAG = { FIXED_NEWSTYLE: 1, NO_ZEROES: 2 } as const;

export const OPT = {
  EXPORT_NAME: 1,
  ABORT: 2,
  LIST: 3,
  STARTTLS: 5,
  INFO: 6,
  GO: 7,
  STRUCTURED_REPLY: 8,
  LIST_META_CONTEXT: 9,
  SET_META_CONTEXT: 10,
  EXTENDED_HEADERS: 11,
} as const;

export const REP = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  META_CONTEXT: 4,
  ERR_UNSUP: 0x8000_0001,
  ERR_POLICY: 0x8000_0002,
  ERR_INVALID: 0x8000_0003,
  ERR_PLATFORM: 0x8000_0004,
  ERR_TLS_REQD: 0x8000_0005,
  ERR_UNKNOWN: 0x8000_0006,
  ERR_SHUTDOWN: 0x8000_0007,
  ERR_BLOCK_SIZE_REQD: 0x8000_0008,
  ERR_TOO_BIG: 0x8000_0009,
  ERR_EXT_HEADER_REQD: 0x8000_000a,
} as const;

/** A reply with this bit is an error, and may carry a sentence. */
export const REP_ERROR_BIT = 0x8000_0000;

export const INFO = { EXPORT: 0, NAME: 1, DESCRIPTION: 2, BLOCK_SIZE: 3 } as const;

/** What an export can do: 16 bits. */
export const FLAG = {
  HAS_FLAGS: 0x1,
  READ_ONLY: 0x2,
  SEND_FLUSH: 0x4,
  SEND_FUA: 0x8,
  ROTATIONAL: 0x10,
  SEND_TRIM: 0x20,
  SEND_WRITE_ZEROES: 0x40,
  SEND_DF: 0x80,
  CAN_MULTI_CONN: 0x100,
  SEND_RESIZE: 0x200,
  SEND_CACHE: 0x400,
  SEND_FAST_ZERO: 0x800,
} as const;

export const CMD = {
  READ: 0,
  WRITE: 1,
  DISC: 2,
  FLUSH: 3,
  TRIM: 4,
  CACHE: 5,
  WRITE_ZEROES: 6,
  BLOCK_STATUS: 7,
} as const;

/** Of one request: 16 bits. */
export const CMD_FLAG = {
  FUA: 0x1,
  NO_HOLE: 0x2,
  DF: 0x4,
  REQ_ONE: 0x8,
  FAST_ZERO: 0x10,
} as const;

export const ERROR = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

/** The flag of a structured reply's last chunk. */
export const CHUNK_DONE = 1;

export const CHUNK = {
  NONE: 0,
  OFFSET_DATA: 1,
  OFFSET_HOLE: 2,
  BLOCK_STATUS: 5,
  ERROR: 0x8001,
  ERROR_OFFSET: 0x8002,
} as const;

/** A chunk's type with this bit is an error. */
export const CHUNK_ERROR_BIT = 0x8000;

/** The flags of a descriptor in the context `base:allocation`. */
export const STATE = { HOLE: 1, ZERO: 2 } as const;

export const BASE_ALLOCATION = "base:allocation";
export const ALLOCATION_DEPTH = "qemu:allocation-depth";
/** A dirty bitmap's context is called so, and then as the bitmap is. */
export const DIRTY_BITMAP = "qemu:dirty-bitmap:";
/** The flag of a descriptor in the context of a dirty bitmap. */
export const DIRTY = 1;
/** Our own context's name begins so: of a query with a key, and of the answer with a run and a disk. */
export const LINK_CONTEXT = "blkmig:link:";
