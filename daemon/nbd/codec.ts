/**
 * The transmission phase on the wire.
 *
 *   request  magic u32 | flags u16 | command u16 | cookie u64 | offset u64 | length u32 | WRITE: length bytes
 *   reply    magic u32 | error u32 | cookie u64 | READ without error: the bytes asked for
 *
 * A reply does not say how long it is: a reader must know what it asked for. So one wrong length, in either direction,
 * turns everything behind it into garbage, and both sides of it are asserted or refused here.
 */
import { assert } from '../sys/errors.ts';
import { COMMAND, ERROR, MAGIC } from './constants.ts';

export const REQUEST_HEADER_BYTES = 28;
export const REPLY_HEADER_BYTES = 16;

export interface NbdRequest {
  readonly kind: 'request';
  readonly flags: number;
  readonly command: number;
  /** The client's own name of the request, echoed; two signed halves, since those are what the engine keeps unboxed. */
  readonly cookieHigh: number;
  readonly cookieLow: number;
  /** Exact up to 2^53; above it rounded, but never below it, and no export is that large. */
  readonly offset: number;
  readonly length: number;
  /** A WRITE's bytes; undefined where they were more than the limit and therefore dropped as they came in. */
  readonly payload: Buffer | undefined;
}

export interface Refused {
  readonly kind: 'refused';
  readonly reason: string;
}

const NO_BYTES: Buffer = Buffer.alloc(0);

/**
 * Requests out of chunks, however they are cut. A payload inside one chunk is a view of it; one that spans chunks is
 * copied once, into the buffer that is handed on.
 */
export class RequestDecoder {
  readonly #maximumPayloadBytes: number;
  #chunk: Buffer = NO_BYTES;
  #at = 0;
  /** A header cut by the end of a chunk. */
  readonly #header: Buffer = Buffer.alloc(REQUEST_HEADER_BYTES);
  #headerBytes = 0;
  /** A WRITE whose payload is still coming in, and how much of it is here. */
  #incomplete: NbdRequest | undefined;
  #payloadBytes = 0;
  #refusal: Refused | undefined;

  constructor(options: { readonly maximumPayloadBytes: number }) {
    this.#maximumPayloadBytes = options.maximumPayloadBytes;
  }

  /** Only when `next` has asked for more. The chunk belongs to the decoder from here on. */
  push(chunk: Buffer): void {
    assert(this.#at === this.#chunk.length, 'a chunk was pushed before the last one was used up');
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Undefined: more bytes are needed. After a refusal there is no place to go on from; it is then the answer for good. */
  next(): NbdRequest | Refused | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.#incomplete !== undefined) return this.#takePayload(this.#incomplete);
    if (this.#headerBytes === 0 && this.#chunk.length - this.#at >= REQUEST_HEADER_BYTES) {
      const start = this.#at;
      this.#at += REQUEST_HEADER_BYTES;
      return this.#decode(this.#chunk, start);
    }
    const wanted = REQUEST_HEADER_BYTES - this.#headerBytes;
    const copied = this.#chunk.copy(this.#header, this.#headerBytes, this.#at, this.#at + wanted);
    this.#at += copied;
    this.#headerBytes += copied;
    if (this.#headerBytes < REQUEST_HEADER_BYTES) return undefined;
    this.#headerBytes = 0;
    return this.#decode(this.#header, 0);
  }

  #decode(bytes: Buffer, at: number): NbdRequest | Refused | undefined {
    const magic = bytes.readUInt32BE(at);
    if (magic !== MAGIC.REQUEST) {
      this.#refusal = {
        kind: 'refused',
        reason: `request magic is 0x${hex32(magic)}, not 0x${hex32(MAGIC.REQUEST)}`,
      };
      return this.#refusal;
    }
    const length = bytes.readUInt32BE(at + 24);
    if (bytes.readUInt16BE(at + 6) !== COMMAND.WRITE || length === 0)
      return decodeHeader(bytes, at, undefined);
    const kept = length <= this.#maximumPayloadBytes;
    if (kept && this.#chunk.length - this.#at >= length) {
      this.#at += length;
      return decodeHeader(bytes, at, this.#chunk.subarray(this.#at - length, this.#at));
    }
    // Not zeroed, and from the system rather than the pool: pages that an idle client never fills are never touched.
    this.#incomplete = decodeHeader(bytes, at, kept ? Buffer.allocUnsafeSlow(length) : undefined);
    this.#payloadBytes = 0;
    return this.#takePayload(this.#incomplete);
  }

  #takePayload(request: NbdRequest): NbdRequest | undefined {
    const taken = Math.min(this.#chunk.length - this.#at, request.length - this.#payloadBytes);
    if (request.payload !== undefined)
      this.#chunk.copy(request.payload, this.#payloadBytes, this.#at, this.#at + taken);
    this.#at += taken;
    this.#payloadBytes += taken;
    if (this.#payloadBytes < request.length) return undefined;
    this.#incomplete = undefined;
    return request;
  }
}

function decodeHeader(bytes: Buffer, at: number, payload: Buffer | undefined): NbdRequest {
  return {
    kind: 'request',
    flags: bytes.readUInt16BE(at + 4),
    command: bytes.readUInt16BE(at + 6),
    cookieHigh: bytes.readInt32BE(at + 8),
    cookieLow: bytes.readInt32BE(at + 12),
    offset: bytes.readUInt32BE(at + 16) * 0x1_0000_0000 + bytes.readUInt32BE(at + 20),
    length: bytes.readUInt32BE(at + 24),
    payload,
  };
}

export interface Reply {
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly error: number;
  readonly data: Buffer | undefined;
}

/**
 * The replies as the buffers of one writev. Headers, and payloads up to `copiedPayloadBytes`, share one buffer; larger
 * payloads stand between its pieces uncopied.
 */
export function encodeReplies(replies: readonly Reply[], copiedPayloadBytes: number): Buffer[] {
  let sharedBytes = 0;
  for (const reply of replies) {
    const dataBytes = reply.data?.length ?? 0;
    sharedBytes += REPLY_HEADER_BYTES + (dataBytes <= copiedPayloadBytes ? dataBytes : 0);
  }
  const shared = Buffer.allocUnsafe(sharedBytes);
  const pieces: Buffer[] = [];
  let pieceStart = 0;
  let at = 0;
  for (const reply of replies) {
    shared.writeUInt32BE(MAGIC.SIMPLE_REPLY, at);
    shared.writeUInt32BE(reply.error, at + 4);
    shared.writeInt32BE(reply.cookieHigh, at + 8);
    shared.writeInt32BE(reply.cookieLow, at + 12);
    at += REPLY_HEADER_BYTES;
    if (reply.data === undefined) continue;
    assert(reply.error === ERROR.NONE, 'a reply with an error carries no data');
    if (reply.data.length <= copiedPayloadBytes) {
      at += reply.data.copy(shared, at);
    } else {
      pieces.push(shared.subarray(pieceStart, at), reply.data);
      pieceStart = at;
    }
  }
  if (at > pieceStart) pieces.push(pieceStart === 0 ? shared : shared.subarray(pieceStart, at));
  return pieces;
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
