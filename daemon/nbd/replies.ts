/**
 * Replies of the transmission phase on the wire ("Simple reply message", "Structured reply chunk message" and "Extended
 * reply chunk message"). Which of the three is spoken was negotiated.
 *
 *   simple      magic u32 | error u32 | cookie u64 | READ without error: the bytes asked for
 *   structured  magic u32 | flags u16 | type u16 | cookie u64 | length u32 | payload
 *   extended    magic u32 | flags u16 | type u16 | cookie u64 | offset of the request u64 | length u64 | payload
 *
 *   payload of  OFFSET_DATA       offset u64 | data
 *               OFFSET_HOLE       offset u64 | length u32
 *               BLOCK_STATUS      context u32 | (length u32 | flags u32) ...
 *               BLOCK_STATUS_EXT  context u32 | count u32 | (length u64 | flags u64) ...
 *               ERROR             error u32 | length u16 | text
 *
 * With structured replies a simple one is still allowed where it has no data and is no answer to a READ: it is the
 * smallest, so successes are told by it. Failures are told in a chunk, which has room for a text.
 */
import { assert } from '../sys/errors.ts';
import { CHUNK, CHUNK_FLAG_DONE, ERROR, MAGIC } from './constants.ts';

export type ReplyStyle = 'simple' | 'structured' | 'extended';

const SIMPLE_REPLY_BYTES = 16;
const STRUCTURED_HEADER_BYTES = 20;
const EXTENDED_HEADER_BYTES = 32;
const OFFSET_BYTES = 8;
const HOLE_BYTES = 12;
const ERROR_BYTES = 6;
/** Of an encoded text, see `encodeText`. */
const CHARACTER_BYTES = 3;

/** A part of what was read; `data` undefined: zeroes. */
export interface Content {
  readonly offset: number;
  readonly length: number;
  readonly data: Buffer | undefined;
}

/** What one metadata context says of a range, from the offset of the request on. */
export interface ContextStatus {
  readonly contextId: number;
  /** Lengths in bytes and flags, by turns. */
  readonly descriptors: readonly number[];
}

export interface Reply {
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly error: number;
  /** For people, at most TEXT_CHARACTERS; told with an error where the style has room for it. */
  readonly message: string;
  /** Of the request. */
  readonly offset: number;
  readonly wideOffset: bigint | undefined;
  readonly isRead: boolean;
  /** What was read, as a whole. */
  readonly data: Buffer | undefined;
  /** The same in parts, where there are holes in it. Never with simple replies. */
  readonly contents: readonly Content[] | undefined;
  readonly status: readonly ContextStatus[] | undefined;
}

/** One writev's buffers. Headers and small payloads share one buffer; large payloads stand between its pieces uncopied. */
class Pieces {
  readonly shared: Buffer;
  readonly #copiedPayloadBytes: number;
  readonly #pieces: Buffer[] = [];
  #pieceStart = 0;
  at = 0;

  constructor(shared: Buffer, copiedPayloadBytes: number) {
    this.shared = shared;
    this.#copiedPayloadBytes = copiedPayloadBytes;
  }

  addPayload(data: Buffer): void {
    if (data.length <= this.#copiedPayloadBytes) {
      this.at += data.copy(this.shared, this.at);
      return;
    }
    this.#pieces.push(this.shared.subarray(this.#pieceStart, this.at), data);
    this.#pieceStart = this.at;
  }

  finish(): Buffer[] {
    if (this.at > this.#pieceStart) this.#pieces.push(this.shared.subarray(this.#pieceStart, this.at));
    return this.#pieces;
  }
}

export interface EncodeOptions {
  /** Up to that size a payload is copied beside its header. */
  readonly copiedPayloadBytes: number;
  /** For what is not data that was read. */
  readonly allocate: (bytes: number) => Buffer;
}

/** The replies as the buffers of one writev. */
export function encodeReplies(
  replies: readonly Reply[],
  style: ReplyStyle,
  { copiedPayloadBytes, allocate }: EncodeOptions,
): Buffer[] {
  let sharedBytes = 0;
  for (const reply of replies) sharedBytes += sharedBytesOf(reply, style, copiedPayloadBytes);
  const pieces = new Pieces(allocate(sharedBytes), copiedPayloadBytes);
  for (const reply of replies)
    if (style === 'simple') addSimple(pieces, reply, reply.data);
    else addChunks(pieces, reply, style);
  return pieces.finish();
}

/** At least what the reply takes of the shared buffer. */
function sharedBytesOf(reply: Reply, style: ReplyStyle, copiedPayloadBytes: number): number {
  const copied = (data: Buffer | undefined): number =>
    data !== undefined && data.length <= copiedPayloadBytes ? data.length : 0;
  if (style === 'simple') return SIMPLE_REPLY_BYTES + copied(reply.data);
  const header = style === 'extended' ? EXTENDED_HEADER_BYTES : STRUCTURED_HEADER_BYTES;
  if (reply.error !== ERROR.NONE) return header + ERROR_BYTES + CHARACTER_BYTES * reply.message.length;
  if (reply.contents !== undefined)
    return reply.contents.reduce((sum, { data }) => sum + header + HOLE_BYTES + copied(data), 0);
  if (reply.status !== undefined)
    return reply.status.reduce((sum, { descriptors }) => sum + header + 8 + 8 * descriptors.length, 0);
  return header + OFFSET_BYTES + copied(reply.data);
}

function addSimple(pieces: Pieces, reply: Reply, data: Buffer | undefined): void {
  const { shared, at } = pieces;
  shared.writeUInt32BE(MAGIC.SIMPLE_REPLY, at);
  shared.writeUInt32BE(reply.error, at + 4);
  shared.writeInt32BE(reply.cookieHigh, at + 8);
  shared.writeInt32BE(reply.cookieLow, at + 12);
  pieces.at += SIMPLE_REPLY_BYTES;
  if (data === undefined) return;
  assert(reply.error === ERROR.NONE, 'a reply with an error carries no data');
  pieces.addPayload(data);
}

type ChunkStyle = Exclude<ReplyStyle, 'simple'>;

function addChunks(pieces: Pieces, reply: Reply, style: ChunkStyle): void {
  if (reply.error !== ERROR.NONE) addError(pieces, reply, style);
  else if (reply.status !== undefined) addStatus(pieces, reply, reply.status, style);
  else if (reply.contents !== undefined) addContents(pieces, reply, reply.contents, style);
  else if (reply.data !== undefined)
    addData(pieces, reply, style, { flags: CHUNK_FLAG_DONE, offset: reply.offset, data: reply.data });
  else if (style === 'structured' && !reply.isRead) addSimple(pieces, reply, undefined);
  else addHeader(pieces, reply, style, { flags: CHUNK_FLAG_DONE, type: CHUNK.NONE, length: 0 });
}

function addHeader(
  pieces: Pieces,
  reply: Reply,
  style: ChunkStyle,
  { flags, type, length }: { readonly flags: number; readonly type: number; readonly length: number },
): void {
  const { shared, at } = pieces;
  shared.writeUInt32BE(style === 'extended' ? MAGIC.EXTENDED_REPLY : MAGIC.STRUCTURED_REPLY, at);
  shared.writeUInt16BE(flags, at + 4);
  shared.writeUInt16BE(type, at + 6);
  shared.writeInt32BE(reply.cookieHigh, at + 8);
  shared.writeInt32BE(reply.cookieLow, at + 12);
  if (style === 'structured') {
    shared.writeUInt32BE(length, at + 16);
    pieces.at += STRUCTURED_HEADER_BYTES;
    return;
  }
  if (reply.wideOffset === undefined) writeUInt64(shared, reply.offset, at + 16);
  else shared.writeBigUInt64BE(reply.wideOffset, at + 16);
  writeUInt64(shared, length, at + 24);
  pieces.at += EXTENDED_HEADER_BYTES;
}

/** Nothing can fail behind a chunk that is here as a whole: the last one of content says that it is the last. */
function addData(
  pieces: Pieces,
  reply: Reply,
  style: ChunkStyle,
  { flags, offset, data }: { readonly flags: number; readonly offset: number; readonly data: Buffer },
): void {
  addHeader(pieces, reply, style, { flags, type: CHUNK.OFFSET_DATA, length: OFFSET_BYTES + data.length });
  writeUInt64(pieces.shared, offset, pieces.at);
  pieces.at += OFFSET_BYTES;
  pieces.addPayload(data);
}

function addContents(pieces: Pieces, reply: Reply, contents: readonly Content[], style: ChunkStyle): void {
  for (const [index, { offset, length, data }] of contents.entries()) {
    const flags = index === contents.length - 1 ? CHUNK_FLAG_DONE : 0;
    if (data !== undefined) {
      addData(pieces, reply, style, { flags, offset, data });
      continue;
    }
    addHeader(pieces, reply, style, { flags, type: CHUNK.OFFSET_HOLE, length: HOLE_BYTES });
    writeUInt64(pieces.shared, offset, pieces.at);
    pieces.shared.writeUInt32BE(length, pieces.at + OFFSET_BYTES);
    pieces.at += HOLE_BYTES;
  }
}

function addStatus(pieces: Pieces, reply: Reply, status: readonly ContextStatus[], style: ChunkStyle): void {
  const isExtended = style === 'extended';
  const numberBytes = isExtended ? 8 : 4;
  for (const [index, { contextId, descriptors }] of status.entries()) {
    const flags = index === status.length - 1 ? CHUNK_FLAG_DONE : 0;
    const type = isExtended ? CHUNK.BLOCK_STATUS_EXT : CHUNK.BLOCK_STATUS;
    const length = numberBytes + numberBytes * descriptors.length;
    addHeader(pieces, reply, style, { flags, type, length });
    const { shared } = pieces;
    shared.writeUInt32BE(contextId, pieces.at);
    if (isExtended) shared.writeUInt32BE(descriptors.length / 2, pieces.at + 4);
    pieces.at += numberBytes;
    for (const value of descriptors) {
      if (isExtended) writeUInt64(shared, value, pieces.at);
      else shared.writeUInt32BE(value, pieces.at);
      pieces.at += numberBytes;
    }
  }
}

function addError(pieces: Pieces, reply: Reply, style: ChunkStyle): void {
  const text = Buffer.from(reply.message);
  const length = ERROR_BYTES + text.length;
  addHeader(pieces, reply, style, { flags: CHUNK_FLAG_DONE, type: CHUNK.ERROR, length });
  pieces.shared.writeUInt32BE(reply.error, pieces.at);
  pieces.shared.writeUInt16BE(text.length, pieces.at + 4);
  pieces.at += ERROR_BYTES;
  pieces.at += text.copy(pieces.shared, pieces.at);
}

function writeUInt64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}
