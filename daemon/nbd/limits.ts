/** Every bound of the NBD server, so that no client can make it hold, wait for or answer without end. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Strings of the protocol (names, descriptions, error texts) must not be longer. */
export const STRING_BYTES = 4096;

/**
 * Data of one option. Enough for the longest name and every information there is; a client that announces more is
 * hung up on, since nothing that this server could do with it is worth the memory.
 */
export const OPTION_DATA_BYTES = 16 * KIB;

/** Options before the transmission phase. Real clients send fewer than ten. */
export const OPTIONS_PER_SESSION = 32;

/** Queries of one LIST_META_CONTEXT or SET_META_CONTEXT, and contexts that one connection may use. */
export const META_QUERIES = 32;

/** Characters of an error text or description that are sent; below STRING_BYTES in any encoding of them. */
export const TEXT_CHARACTERS = 1000;

/** Payloads of reads up to this size are copied beside their headers: cheaper than one more entry of a writev. */
export const COPIED_PAYLOAD_BYTES = 4096;

/**
 * A payload that is too long is taken off the stream and refused up to here: as much as a compact header can announce.
 * An extended one may say 2^64 - 1, which nobody will ever finish sending.
 */
export const DRAINED_PAYLOAD_BYTES = 0xffff_ffff;

/** TRIM and WRITE_ZEROES of any length reach the backend in pieces of at most this size, one after the other. */
export const PIECE_BYTES = 256 * MIB;

/** Of data in such a piece: to give a mebibyte back takes a file system 0.14 ms and more, and holes are free. */
export const PIECE_DATA_BYTES = 256 * KIB;

/** Such a piece ends at a multiple of this: a store gives back what is whole, and copies a region that is zeroed in part. */
export const PIECE_ALIGNMENT = 64 * KIB;

/** Extents of data in such a piece: each takes 0.08 ms, however small. */
export const PIECE_EXTENTS = 8;

/** Of one CACHE: the kernel reads what it is asked for, however much else that displaces. */
export const PREFETCH_BYTES = 32 * MIB;

/** Reads below this are answered without a look for holes: it costs more than it could save. */
export const HOLE_SEARCH_BYTES = 64 * KIB;

/** Content chunks of one READ; what is behind the last one is sent as data, holes and all. */
export const READ_CHUNKS = 64;

/** Descriptors of one metadata context in one reply to BLOCK_STATUS; the client asks on from there. */
export const STATUS_DESCRIPTORS = 4096;

/** Of one BLOCK_STATUS, how far differences are looked for: some milliseconds; the client asks on from there. */
export const DIFFERENCE_SEARCH_BYTES = 64 * KIB * MIB;

export interface NbdLimits {
  /** Open at once, over all listeners; further ones are closed unanswered. */
  readonly connections: number;
  /** From the greeting to the transmission phase. */
  readonly handshakeTimeoutMs: number;
  /** Submitted and not yet answered, per connection; above it the socket is not read. */
  readonly inFlightRequests: number;
  /** Payloads of the above, both directions; passed by at most one request. */
  readonly inFlightBytes: number;
  /** Answers that the client has not taken yet; above it the socket is not read. */
  readonly unsentBytes: number;
  /** Of all connections together: payloads coming in, in flight and going out. Larger than the largest payload. */
  readonly serverBytes: number;
  /** What every connection may hold even when the others have used up `serverBytes`. */
  readonly guaranteedBytes: number;
  /** While somebody waits for memory: how long a client may hold some of it without taking a byte of its answers. */
  readonly stalledMs: number;
  /** How long `close` waits for what is outstanding before it hangs up. */
  readonly closeDrainMs: number;
  /** Silence on a TCP connection before the kernel asks whether the client's host is still there. */
  readonly keepAliveMs: number;
}

export const DEFAULT_LIMITS: NbdLimits = {
  connections: 256,
  handshakeTimeoutMs: 10_000,
  inFlightRequests: 1024,
  inFlightBytes: 64 * MIB,
  unsentBytes: 8 * MIB,
  serverBytes: 512 * MIB,
  guaranteedBytes: 256 * KIB,
  stalledMs: 30_000,
  closeDrainMs: 1000,
  keepAliveMs: 30_000,
};
