/**
 * Requests of the transmission phase on the wire ("Request message").
 *
 *   compact   magic u32 | flags u16 | command u16 | cookie u64 | offset u64 | length u32 | WRITE: length bytes
 *   extended  magic u32 | flags u16 | command u16 | cookie u64 | offset u64 | length u64 | PAYLOAD_LEN: length bytes
 *
 * Without a frame around them, one wrong length turns everything behind it into garbage. So whatever payload is
 * announced is taken off the stream, also when the request is going to be refused.
 */
import { assert } from '../sys/errors.ts';
import { COMMAND, COMMAND_FLAG, MAGIC } from './constants.ts';
import { DRAINED_PAYLOAD_BYTES } from './limits.ts';

const COMPACT_HEADER_BYTES = 28;
const EXTENDED_HEADER_BYTES = 32;
const LENGTH_AT = 24;

export interface NbdRequest {
  readonly kind: 'request';
  readonly flags: number;
  readonly command: number;
  /** The client's own name of the request, echoed; two signed halves, since those are what the engine keeps unboxed. */
  readonly cookieHigh: number;
  readonly cookieLow: number;
  /** Exact up to 2^53; above it rounded, but never below it, and no export is that large. */
  readonly offset: number;
  /** Where `offset` is rounded: an extended reply has to echo it to the bit. */
  readonly wideOffset: bigint | undefined;
  /** As exact as `offset`. */
  readonly length: number;
  /** A WRITE's bytes; undefined where they were more than the limit and therefore dropped as they came in. */
  readonly payload: Buffer | undefined;
}

export interface Refused {
  readonly kind: 'refused';
  readonly reason: string;
}

export interface RequestDecoderOptions {
  /** Of a WRITE; longer ones are dropped as they come in. */
  readonly maximumPayloadBytes: number;
  /** NBD_OPT_EXTENDED_HEADERS was negotiated. */
  readonly extended: boolean;
  /**
   * A request that takes at most so many bytes is left in the chunk until all of it is there: see `unread`. Else what a
   * chunk cuts is kept here.
   */
  readonly wholeBytes?: number;
  /** Asked before a payload that is not here as a whole is given a buffer. False: not yet; see `isBlocked`. */
  readonly mayAllocate?: (bytes: number) => boolean;
}

const NO_BYTES: Buffer = Buffer.alloc(0);

interface Incoming {
  readonly request: NbdRequest;
  readonly payloadBytes: number;
  readonly isKept: boolean;
  payload: Buffer | undefined;
  taken: number;
}

/**
 * Requests out of chunks, however they are cut. A payload inside one chunk is a view of it; one that spans chunks, and
 * is not left in them, is copied once, into the buffer that is handed on.
 */
export class RequestDecoder {
  readonly #options: RequestDecoderOptions;
  readonly #magic: number;
  readonly #headerLength: number;
  #chunk: Buffer = NO_BYTES;
  #at = 0;
  /** A header cut by the end of a chunk. */
  readonly #header: Buffer;
  #headerBytes = 0;
  #incoming: Incoming | undefined;
  #isBlocked = false;
  #refusal: Refused | undefined;
  readonly #wholeBytes: number;
  /** Of the request that begins at `#at`, once that is known. */
  #wantedBytes = 0;

  constructor(options: RequestDecoderOptions) {
    this.#options = options;
    this.#wholeBytes = options.wholeBytes ?? 0;
    this.#magic = options.extended ? MAGIC.EXTENDED_REQUEST : MAGIC.REQUEST;
    this.#headerLength = options.extended ? EXTENDED_HEADER_BYTES : COMPACT_HEADER_BYTES;
    this.#header = Buffer.alloc(this.#headerLength);
  }

  /** `next` answered undefined for want of memory, not of bytes: it is to be asked again, and nothing pushed before. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Of a payload that is coming in. */
  get allocatedBytes(): number {
    return this.#incoming?.payload?.length ?? 0;
  }

  /** Bytes at the end of the chunk that were left: the next chunk has to begin with them. */
  get unreadBytes(): number {
    return this.#chunk.length - this.#at;
  }

  /** What the request takes in all that they begin, or 0 where that is not known yet. */
  get wantedBytes(): number {
    return this.#wantedBytes;
  }

  /** The chunk is somebody else's from here on; what was left of it is pushed again. */
  giveUpChunk(): void {
    this.#chunk = NO_BYTES;
    this.#at = 0;
  }

  /** Only when `next` has asked for more. The chunk belongs to the decoder from here on. */
  push(chunk: Buffer): void {
    assert(this.#at === this.#chunk.length, 'a chunk was pushed before the last one was used up');
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Undefined: more bytes are needed. After a refusal there is no place to go on from; it is then the answer for good. */
  next(): NbdRequest | Refused | undefined {
    this.#wantedBytes = 0;
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.#incoming !== undefined) return this.#takePayload(this.#incoming);
    const headerLength = this.#headerLength;
    if (this.#headerBytes === 0 && this.#chunk.length - this.#at >= headerLength) {
      const start = this.#at;
      this.#at += headerLength;
      return this.#decode(this.#chunk, start);
    }
    if (headerLength <= this.#wholeBytes) return undefined;
    const wanted = headerLength - this.#headerBytes;
    const copied = this.#chunk.copy(this.#header, this.#headerBytes, this.#at, this.#at + wanted);
    this.#at += copied;
    this.#headerBytes += copied;
    if (this.#headerBytes < headerLength) return undefined;
    this.#headerBytes = 0;
    return this.#decode(this.#header, 0);
  }

  #decode(bytes: Buffer, at: number): NbdRequest | Refused | undefined {
    const magic = bytes.readUInt32BE(at);
    if (magic !== this.#magic)
      return this.#refuse(`request magic is 0x${hex32(magic)}, not 0x${hex32(this.#magic)}`);
    const { extended, maximumPayloadBytes } = this.#options;
    const length = extended ? readUInt64(bytes, at + LENGTH_AT) : bytes.readUInt32BE(at + LENGTH_AT);
    const flags = bytes.readUInt16BE(at + 4);
    const isWrite = bytes.readUInt16BE(at + 6) === COMMAND.WRITE;
    const hasPayload = extended ? (flags & COMMAND_FLAG.PAYLOAD_LEN) !== 0 : isWrite;
    if (!hasPayload || length === 0) return decodeHeader(bytes, at, length, undefined);
    const isKept = isWrite && length <= maximumPayloadBytes;
    if (isKept && this.#chunk.length - this.#at >= length) {
      this.#at += length;
      return decodeHeader(bytes, at, length, this.#chunk.subarray(this.#at - length, this.#at));
    }
    if (isKept && this.#headerLength + length <= this.#wholeBytes) {
      this.#at -= this.#headerLength;
      this.#wantedBytes = this.#headerLength + length;
      return undefined;
    }
    if (length > DRAINED_PAYLOAD_BYTES)
      return this.#refuse(`a payload of ${String(length)} bytes is announced; at most 2^32 - 1 are drained`);
    const request = decodeHeader(bytes, at, length, undefined);
    this.#incoming = { request, payloadBytes: length, isKept, payload: undefined, taken: 0 };
    return this.#takePayload(this.#incoming);
  }

  #takePayload(incoming: Incoming): NbdRequest | undefined {
    const { request, payloadBytes, isKept } = incoming;
    if (isKept && incoming.payload === undefined) {
      this.#isBlocked = this.#options.mayAllocate?.(payloadBytes) === false;
      if (this.#isBlocked) return undefined;
      // Not zeroed, and from the system rather than the pool: pages that an idle client never fills are never touched.
      incoming.payload = Buffer.allocUnsafeSlow(payloadBytes);
    }
    const { payload } = incoming;
    const taken = Math.min(this.#chunk.length - this.#at, payloadBytes - incoming.taken);
    if (payload !== undefined) this.#chunk.copy(payload, incoming.taken, this.#at, this.#at + taken);
    this.#at += taken;
    incoming.taken += taken;
    if (incoming.taken < payloadBytes) return undefined;
    this.#incoming = undefined;
    return payload === undefined ? request : { ...request, payload };
  }

  #refuse(reason: string): Refused {
    this.#refusal = { kind: 'refused', reason };
    return this.#refusal;
  }
}

function decodeHeader(bytes: Buffer, at: number, length: number, payload: Buffer | undefined): NbdRequest {
  const offset = readUInt64(bytes, at + 16);
  return {
    kind: 'request',
    flags: bytes.readUInt16BE(at + 4),
    command: bytes.readUInt16BE(at + 6),
    cookieHigh: bytes.readInt32BE(at + 8),
    cookieLow: bytes.readInt32BE(at + 12),
    offset,
    wideOffset: offset > Number.MAX_SAFE_INTEGER ? bytes.readBigUInt64BE(at + 16) : undefined,
    length,
    payload,
  };
}

function readUInt64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
