/**
 * The numbers of the NBD protocol as doc/proto.md of NetworkBlockDevice/nbd has them. Not the product's own: generator,
 * witness and server would otherwise be wrong in the same way.
 */

export const GREETING = Buffer.from('NBDMAGICIHAVEOPT\0\x03', 'latin1');
export const OPTION_MAGIC = 0x4948_4156_454f_5054n;
export const OPTION_REPLY_MAGIC = 0x0003_e889_0455_65a9n;
export const REQUEST_MAGIC = 0x2560_9513;
export const EXTENDED_REQUEST_MAGIC = 0x21e4_1c71;
export const SIMPLE_REPLY_MAGIC = 0x6744_6698;
export const STRUCTURED_REPLY_MAGIC = 0x668e_33ef;
export const EXTENDED_REPLY_MAGIC = 0x6e8a_278c;

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
  ERROR_BIT: 0x8000_0000,
  ERR_UNSUP: 0x8000_0001,
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

export const FLAG = { FUA: 1, NO_HOLE: 2, DF: 4, REQ_ONE: 8, FAST_ZERO: 16, PAYLOAD_LEN: 32 } as const;

export const CHUNK = {
  NONE: 0,
  OFFSET_DATA: 1,
  OFFSET_HOLE: 2,
  BLOCK_STATUS: 5,
  BLOCK_STATUS_EXT: 6,
  ERROR_BIT: 0x8000,
} as const;

export const CHUNK_DONE = 1;

/** The largest payload of a READ or WRITE that this server says it serves. */
export const MAXIMUM_PAYLOAD_BYTES = 32 * 1024 * 1024;
