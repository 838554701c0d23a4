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
  SIMPLE_REPLY: 0x6744_6698,
} as const;

/** Offered by the server in 16 bits, taken up by the client in 32; the bits are the same. */
export const HANDSHAKE_FLAG = { FIXED_NEWSTYLE: 1 << 0, NO_ZEROES: 1 << 1 } as const;

export const TRANSMISSION_FLAG = {
  HAS_FLAGS: 1 << 0,
  SEND_FLUSH: 1 << 2,
  SEND_FUA: 1 << 3,
  SEND_TRIM: 1 << 5,
  SEND_WRITE_ZEROES: 1 << 6,
  CAN_MULTI_CONN: 1 << 8,
} as const;

export const OPTION = { EXPORT_NAME: 1, ABORT: 2, LIST: 3, INFO: 6, GO: 7 } as const;

export const REPLY = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  ERR_UNSUP: 0x8000_0001,
  ERR_POLICY: 0x8000_0002,
  ERR_INVALID: 0x8000_0003,
  ERR_UNKNOWN: 0x8000_0006,
  ERR_TOO_BIG: 0x8000_0009,
} as const;

export const INFO = { EXPORT: 0, NAME: 1, DESCRIPTION: 2, BLOCK_SIZE: 3 } as const;

export const COMMAND = { READ: 0, WRITE: 1, DISC: 2, FLUSH: 3, TRIM: 4, WRITE_ZEROES: 6 } as const;

export const COMMAND_FLAG = { FUA: 1 << 0, NO_HOLE: 1 << 1 } as const;

/** The error field of a reply. The protocol fixes these numbers; they are not those of whatever system we run on. */
export const ERROR = {
  NONE: 0,
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
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
