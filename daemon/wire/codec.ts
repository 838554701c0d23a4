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
 * message so that it is never copied into one. Its CRC-32C is in the header.
 */
import { crc32c } from '@node-rs/crc32';
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
  const checksum = payload === undefined ? 0 : crc32c(payload);
  const header = Frame.encode(toShape(message, checksum)).finish();
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + header.length);
  bytes.writeUInt32BE(header.length, 0);
  bytes.writeUInt32BE(payload?.length ?? 0, 4);
  bytes.set(header, PREFIX_BYTES);
  return bytes;
}

/** Takes a stream in chunks of any size. After a refusal the stream is at an end: nothing behind it can be trusted. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #buffered = 0;
  #refusal: string | undefined;

  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Calls `take` with each complete frame. Answers false once the stream was refused. */
  push(chunk: Buffer, take: (frame: DecodedFrame) => void): boolean {
    if (this.#refusal !== undefined) return false;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    while (this.#refusal === undefined && this.#decodeOne(take));
    return this.#refusal === undefined;
  }

  #decodeOne(take: (frame: DecodedFrame) => void): boolean {
    if (this.#buffered < PREFIX_BYTES) return false;
    const prefix = this.#peek(PREFIX_BYTES);
    const headerBytes = prefix.readUInt32BE(0);
    const payloadBytes = prefix.readUInt32BE(4);
    if (headerBytes === 0 || headerBytes > MAX_HEADER_BYTES)
      return this.#refuse(
        `a header of ${String(headerBytes)} bytes; allowed: 1 to ${String(MAX_HEADER_BYTES)}`,
      );
    if (payloadBytes > MAX_PAYLOAD_BYTES)
      return this.#refuse(
        `a payload of ${String(payloadBytes)} bytes; allowed: up to ${String(MAX_PAYLOAD_BYTES)}`,
      );
    const total = PREFIX_BYTES + headerBytes + payloadBytes;
    if (this.#buffered < total) return false;
    const frame = this.#take(total);
    const header = frame.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes);
    const payload = payloadBytes === 0 ? undefined : frame.subarray(PREFIX_BYTES + headerBytes);
    const parsed = parseHeader(header, payload);
    if (typeof parsed === 'string') return this.#refuse(parsed);
    take(parsed);
    return true;
  }

  #refuse(reason: string): false {
    this.#refusal = reason;
    this.#chunks = [];
    return false;
  }

  /** The first bytes, which stay buffered; joins chunks only where they cut the prefix. */
  #peek(length: number): Buffer {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= length) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  /** A frame inside one chunk is a view of it; one that spans chunks is copied together once. */
  #take(length: number): Buffer {
    this.#buffered -= length;
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const frame = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const taken = Math.min(chunk.length, length - filled);
      chunk.copy(frame, filled, 0, taken);
      filled += taken;
      if (taken === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(taken);
    }
    return frame;
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
  return { message, payload, intact: payload === undefined || crc32c(payload) === checksum };
}

/** Two numbers of the wire that far up may be one here: nothing may be compared with them. */
function inexactField(message: Message): string | undefined {
  for (const field in message) {
    const value: unknown = message[field as keyof Message];
    if (typeof value === 'number' && !Number.isSafeInteger(value)) return field;
  }
  return undefined;
}
