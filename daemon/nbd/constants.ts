/**
 * The numbers of the NBD protocol, named as in doc/proto.md of NetworkBlockDevice/nbd without the prefix `NBD_`. Only
 * what this server speaks or has to name is here. All integers on the wire are big-endian.
 */

export const MAGIC = {
  /** "NBDMAGIC" */
  GREETING: 0x4e42_444d_4147_4943n,
  /** "IHAVEOPT" */
  OPTION: 0x4948_4156_454f_5054n,
  OPTION_REPLY: 0x0003_e889_0455_65a9n,
  REQUEST: 0x2560_9513,
  EXTENDED_REQUEST: 0x21e4_1c71,
  SIMPLE_REPLY: 0x6744_6698,
  STRUCTURED_REPLY: 0x668e_33ef,
  EXTENDED_REPLY: 0x6e8a_278c,
} as const;

/** Offered by the server in 16 bits, taken up by the client in 32; the bits are the same. */
export const HANDSHAKE_FLAG = { FIXED_NEWSTYLE: 1 << 0, NO_ZEROES: 1 << 1 } as const;

export const TRANSMISSION_FLAG = {
  HAS_FLAGS: 1 << 0,
  READ_ONLY: 1 << 1,
  SEND_FLUSH: 1 << 2,
  SEND_FUA: 1 << 3,
  SEND_TRIM: 1 << 5,
  SEND_WRITE_ZEROES: 1 << 6,
  SEND_DF: 1 << 7,
  CAN_MULTI_CONN: 1 << 8,
  SEND_CACHE: 1 << 10,
  SEND_FAST_ZERO: 1 << 11,
} as const;

export const OPTION = {
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

export const REPLY = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  META_CONTEXT: 4,
  ERR_UNSUP: 0x8000_0001,
  ERR_POLICY: 0x8000_0002,
  ERR_INVALID: 0x8000_0003,
  ERR_TLS_REQD: 0x8000_0005,
  ERR_UNKNOWN: 0x8000_0006,
  ERR_TOO_BIG: 0x8000_0009,
  ERR_EXT_HEADER_REQD: 0x8000_000a,
} as const;

export const INFO = { EXPORT: 0, NAME: 1, DESCRIPTION: 2, BLOCK_SIZE: 3 } as const;

export const COMMAND = {
  READ: 0,
  WRITE: 1,
  DISC: 2,
  FLUSH: 3,
  TRIM: 4,
  CACHE: 5,
  WRITE_ZEROES: 6,
  BLOCK_STATUS: 7,
} as const;

export const COMMAND_FLAG = {
  FUA: 1 << 0,
  NO_HOLE: 1 << 1,
  DF: 1 << 2,
  REQ_ONE: 1 << 3,
  FAST_ZERO: 1 << 4,
  PAYLOAD_LEN: 1 << 5,
} as const;

/** "Structured reply types": what a chunk of a reply holds. */
export const CHUNK = {
  NONE: 0,
  OFFSET_DATA: 1,
  OFFSET_HOLE: 2,
  BLOCK_STATUS: 5,
  BLOCK_STATUS_EXT: 6,
  ERROR: 0x8001,
} as const;

/** On the last chunk of a reply. */
export const CHUNK_FLAG_DONE = 1;

/** Of the metadata context base:allocation. */
export const ALLOCATION_STATE = { HOLE: 1 << 0, ZERO: 1 << 1 } as const;

/** The error field of a reply. The protocol fixes these numbers; they are not those of whatever system we run on. */
export const ERROR = {
  NONE: 0,
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

export type ErrorNumber = (typeof ERROR)[keyof typeof ERROR];

/** What NBD_INFO_BLOCK_SIZE tells: any byte may be addressed, and whole pages are what is fast. */
export const BLOCK_SIZE = {
  MINIMUM_BYTES: 1,
  PREFERRED_BYTES: 4096,
  /** Of the payload of one READ or WRITE. The protocol calls anything below 2^25 no attack. */
  MAXIMUM_PAYLOAD_BYTES: 32 * 1024 * 1024,
} as const;
