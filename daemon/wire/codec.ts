/**
 * The frames of a replication link. PURE: bytes in, messages out, and back.
 *
 *   offset  size  what
 *        0     4  length of the header in bytes, big-endian
 *        4     4  length of the payload in bytes, big-endian
 *        8     h  header: one protobuf lockstep.replication.v1.Frame
 *    8 + h     p  payload: the bytes of a write or of a region, or the bits of a join
 *
 * Lengths stand first so that a receiver knows what to wait for before it parses; the payload stands behind the
 * message so that it is never copied into one. Its CRC-32 is in the header.
 */
import { crc32 } from '@node-rs/crc32';
import { messageOf } from '../sys/errors.ts';
import { MAX_PAYLOAD_BYTES, type Message } from '../replication/messages.ts';
import { fromShape, Frame, type Shape, toShape } from './shapes.ts';

const PREFIX_BYTES = 8;
/** A header is some tens of bytes; the longest carries names of hosts. */
export const MAX_HEADER_BYTES = 4096;

export interface DecodedFrame {
  readonly message: Message;
  readonly payload: Uint8Array | undefined;
  /** The payload's checksum is the header's; true without a payload. */
  readonly intact: boolean;
}

/** Everything of a frame but its payload, which is to be sent right behind. */
export function encodeHeader(message: Message, payload: Uint8Array | undefined): Buffer {
  const checksum = payload === undefined ? 0 : crc32(payload);
  const header = Frame.encode(toShape(message, checksum)).finish();
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + header.length);
  bytes.writeUInt32BE(header.length, 0);
  bytes.writeUInt32BE(payload?.length ?? 0, 4);
  bytes.set(header, PREFIX_BYTES);
  return bytes;
}

/**
 * Takes a stream in chunks of any size. A frame inside one chunk is a view of it; of one that a chunk cuts, what takes at
 * most `wholeBytes` is left in the chunk, and what takes more is copied together once. After a refusal the stream is at an
 * end: nothing behind it can be trusted.
 */
export class FrameDecoder {
  readonly #wholeBytes: number;
  /** A frame that chunks cut, or its lengths alone. */
  #cut: Buffer | undefined;
  #filled = 0;
  #unreadBytes = 0;
  #wantedBytes = 0;
  #refusal: string | undefined;

  constructor({ wholeBytes }: { readonly wholeBytes: number } = { wholeBytes: 0 }) {
    this.#wholeBytes = wholeBytes;
  }

  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Bytes at the end of the last chunk that were left: the next has to begin with them. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /** What the frame takes in all that they begin, or 0 where that is not known yet. */
  get wantedBytes(): number {
    return this.#wantedBytes;
  }

  /** Calls `take` with each complete frame. Answers false once the stream was refused. */
  push(chunk: Buffer, take: (frame: DecodedFrame) => void): boolean {
    this.#unreadBytes = 0;
    this.#wantedBytes = 0;
    let at = this.#fillCut(chunk, 0, take);
    while (at < chunk.length && this.#refusal === undefined) {
      const left = chunk.length - at;
      const total = left < PREFIX_BYTES ? PREFIX_BYTES : this.#frameBytes(chunk, at);
      if (total === undefined) break;
      if (left >= total) {
        this.#decode(chunk.subarray(at, at + total), take);
        at += total;
      } else if (total <= this.#wholeBytes) {
        this.#unreadBytes = left;
        this.#wantedBytes = left < PREFIX_BYTES ? 0 : total;
        break;
      } else {
        this.#cut = Buffer.allocUnsafeSlow(total);
        this.#filled = 0;
        at = this.#fillCut(chunk, at, take);
      }
    }
    return this.#refusal === undefined;
  }

  /** Answers where the chunk goes on. */
  #fillCut(chunk: Buffer, from: number, take: (frame: DecodedFrame) => void): number {
    let at = from;
    while (this.#cut !== undefined && this.#refusal === undefined) {
      const copied = chunk.copy(this.#cut, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < this.#cut.length) break;
      const whole = this.#cut;
      const total = this.#frameBytes(whole, 0);
      if (total === undefined) break;
      if (total === whole.length) {
        this.#cut = undefined;
        this.#decode(whole, take);
      } else {
        // Its lengths alone were cut.
        this.#cut = Buffer.allocUnsafeSlow(total);
        this.#filled = whole.copy(this.#cut);
      }
    }
    return at;
  }

  /** Of the whole frame whose lengths are there. */
  #frameBytes(bytes: Buffer, at: number): number | undefined {
    const headerBytes = bytes.readUInt32BE(at);
    const payloadBytes = bytes.readUInt32BE(at + 4);
    if (headerBytes === 0 || headerBytes > MAX_HEADER_BYTES)
      this.#refuse(`a header of ${String(headerBytes)} bytes; allowed: 1 to ${String(MAX_HEADER_BYTES)}`);
    if (payloadBytes > MAX_PAYLOAD_BYTES)
      this.#refuse(`a payload of ${String(payloadBytes)} bytes; allowed: up to ${String(MAX_PAYLOAD_BYTES)}`);
    return this.#refusal === undefined ? PREFIX_BYTES + headerBytes + payloadBytes : undefined;
  }

  #decode(frame: Buffer, take: (frame: DecodedFrame) => void): void {
    const payloadAt = PREFIX_BYTES + frame.readUInt32BE(0);
    const payload = payloadAt === frame.length ? undefined : frame.subarray(payloadAt);
    const parsed = parseHeader(frame.subarray(PREFIX_BYTES, payloadAt), payload);
    if (typeof parsed === 'string') this.#refuse(parsed);
    else take(parsed);
  }

  #refuse(reason: string): void {
    this.#refusal ??= reason;
    this.#cut = undefined;
  }
}

function parseHeader(header: Uint8Array, payload: Uint8Array | undefined): DecodedFrame | string {
  let shape: Shape;
  try {
    shape = Frame.decode(header);
  } catch (error) {
    return `a header that is not protobuf: ${messageOf(error)}`;
  }
  const found = fromShape(shape);
  if (found === undefined) return 'a header that holds no known message';
  const { message, checksum, payloadBytes } = found;
  const inexact = inexactField(message);
  if (inexact !== undefined) return `a ${message.type} whose ${inexact} is above 2^53`;
  const carried = payload?.length ?? 0;
  if (payloadBytes !== 'any' && payloadBytes !== carried)
    return `a ${message.type} with ${String(carried)} bytes of payload instead of ${String(payloadBytes)}`;
  return { message, payload, intact: payload === undefined || crc32(payload) === checksum };
}

/** Two numbers of the wire that far up may be one here: nothing may be compared with them. */
function inexactField(message: Message): string | undefined {
  // Nearly all that comes.
  if (message.type === 'write-answer' && Number.isSafeInteger(message.appliedSequence)) return undefined;
  if (message.type === 'write') {
    const { generation, sequence, offset, length, stableSequence } = message;
    // All are whole and none is below 0: one that is too large makes the sum so.
    if (generation + sequence + offset + length + stableSequence <= Number.MAX_SAFE_INTEGER) return undefined;
  }
  for (const field in message) {
    const value: unknown = message[field as keyof Message];
    if (typeof value === 'number' && !Number.isSafeInteger(value)) return field;
  }
  return undefined;
}
