/**
 * The frames of a replication link. PURE: bytes in, messages out, and back.
 *
 *   offset  size  what
 *        0     4  length of the header in bytes, big-endian
 *        4     4  length of the payload in bytes, big-endian
 *        8     h  header: one protobuf lockstep.replication.v1.Frame
 *    8 + h     p  payload: the bytes of a write, a copy or a pulled region
 *
 * Lengths stand first so that a receiver knows what to wait for before it parses; the payload stands behind the
 * message so that it is never copied into one. Its CRC-32C is in the header.
 */
import { crc32c } from '@node-rs/crc32';
import { messageOf, unreachable } from '../sys/errors.ts';
import type { HelloIntent, Message, RefusalReason, WriteKind } from '../replication/messages.ts';
import './protobuf.ts';
import { lockstep } from '../../proto/gen/lockstep/replication/v1/frame.js';

const v1 = lockstep.replication.v1;
type Shape = lockstep.replication.v1.Frame.$Properties;

const PREFIX_BYTES = 8;
/** A header is some tens of bytes; the longest carries names of hosts. */
export const MAX_HEADER_BYTES = 4096;
/** The longest payload that the NBD server takes. */
export const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;

export interface DecodedFrame {
  readonly message: Message;
  readonly payload: Uint8Array | undefined;
  /** The payload's checksum is the header's; true without a payload. */
  readonly intact: boolean;
}

/** Everything of a frame but its payload, which is to be sent right behind. */
export function encodeHeader(message: Message, payload: Uint8Array | undefined): Buffer {
  const checksum = payload === undefined ? 0 : crc32c(payload);
  const header = v1.Frame.encode(toShape(message, checksum)).finish();
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
    shape = v1.Frame.decode(header);
  } catch (error) {
    return `a header that is not protobuf: ${messageOf(error)}`;
  }
  const found = fromShape(shape);
  if (found === undefined) return 'a header that holds no known message';
  const { message, checksum, carries } = found;
  const inexact = inexactField(message);
  if (inexact !== undefined) return `a ${message.type} whose ${inexact} is above 2^53`;
  const expected = carriedBytes(message, carries);
  if (expected !== (payload?.length ?? 0))
    return `a ${message.type} with ${String(payload?.length ?? 0)} bytes of payload instead of ${String(expected)}`;
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

/** How many bytes of payload belong to a message. */
function carriedBytes(message: Message, carries: boolean): number {
  if (!carries) return 0;
  return message.type === 'write' ? message.length : REGION_PAYLOAD_BYTES;
}

const REGION_PAYLOAD_BYTES = 65_536;

const intents = {
  resume: v1.HelloIntent.HELLO_INTENT_RESUME,
  recover: v1.HelloIntent.HELLO_INTENT_RECOVER,
  join: v1.HelloIntent.HELLO_INTENT_JOIN,
} as const satisfies Record<HelloIntent, number>;

const writeKinds = {
  data: v1.WriteKind.WRITE_KIND_DATA,
  trim: v1.WriteKind.WRITE_KIND_TRIM,
  zero: v1.WriteKind.WRITE_KIND_ZERO,
} as const satisfies Record<WriteKind, number>;

const refusalReasons = {
  WIRE_VERSION: v1.RefusalReason.REFUSAL_REASON_WIRE_VERSION,
  UNKNOWN_VOLUME: v1.RefusalReason.REFUSAL_REASON_UNKNOWN_VOLUME,
  GENERATION: v1.RefusalReason.REFUSAL_REASON_GENERATION,
  STATE: v1.RefusalReason.REFUSAL_REASON_STATE,
  CHECKSUM: v1.RefusalReason.REFUSAL_REASON_CHECKSUM,
  MALFORMED: v1.RefusalReason.REFUSAL_REASON_MALFORMED,
  INCARNATION: v1.RefusalReason.REFUSAL_REASON_INCARNATION,
  DISK: v1.RefusalReason.REFUSAL_REASON_DISK,
} as const satisfies Record<RefusalReason, number>;

/** The names of a table by the numbers of the wire. */
function namesOf<Name extends string>(numbers: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  return new Map((Object.keys(numbers) as Name[]).map((name) => [numbers[name], name]));
}

const intentNames = namesOf(intents);
const writeKindNames = namesOf(writeKinds);
const refusalReasonNames = namesOf(refusalReasons);

function toShape(message: Message, checksum: number): Shape {
  switch (message.type) {
    case 'hello':
      return { hello: { ...message, intent: intents[message.intent] } };
    case 'hello-answer':
      return { helloAnswer: message };
    case 'write':
      return { write: { ...message, kind: writeKinds[message.kind], checksum } };
    case 'write-answer':
      return { writeAnswer: message };
    case 'flush':
      return { flush: message };
    case 'flush-answer':
      return { flushAnswer: message };
    case 'heartbeat':
      return { heartbeat: message };
    case 'heartbeat-answer':
      return { heartbeatAnswer: message };
    case 'pull':
      return { pull: message };
    case 'pull-region':
      return { pullRegion: { region: message.region, checksum } };
    case 'pull-done':
      return { pullDone: message };
    case 'copy-offer':
      return { copy: { ...message, kind: v1.CopyKind.COPY_KIND_OFFER } };
    case 'copy-data':
      return { copy: { ...message, kind: v1.CopyKind.COPY_KIND_DATA, checksum } };
    case 'copy-zero':
      return { copy: { ...message, kind: v1.CopyKind.COPY_KIND_ZERO } };
    case 'copy-answer':
      return { copyAnswer: message };
    case 'view':
      return { view: { ...message, inSync: [...message.inSync] } };
    case 'view-answer':
      return { viewAnswer: message };
    case 'candidate':
      return { candidate: message };
    case 'candidate-answer':
      return { candidateAnswer: message };
    case 'refusal':
      return { refusal: { ...message, reason: refusalReasons[message.reason] } };
    default:
      return unreachable(message);
  }
}

interface Found {
  readonly message: Message;
  readonly checksum: number;
  /** A payload belongs to it. */
  readonly carries: boolean;
}

const bare = (message: Message): Found => ({ message, checksum: 0, carries: false });

/** The inverse of toShape; undefined for a message or an enum value that this version does not know. */
function fromShape(shape: Shape): Found | undefined {
  // In the order of how often they come.
  if (shape.write) return writeFromShape(shape.write);
  if (shape.writeAnswer)
    return bare({ type: 'write-answer', appliedSequence: shape.writeAnswer.appliedSequence ?? 0 });
  if (shape.flush)
    return bare({
      type: 'flush',
      generation: shape.flush.generation ?? 0,
      flushId: shape.flush.flushId ?? 0,
    });
  if (shape.flushAnswer) return bare({ type: 'flush-answer', flushId: shape.flushAnswer.flushId ?? 0 });
  if (shape.copy) return copyFromShape(shape.copy);
  if (shape.copyAnswer)
    return bare({
      type: 'copy-answer',
      region: shape.copyAnswer.region ?? 0,
      needed: shape.copyAnswer.needed ?? false,
    });
  return leaseFromShape(shape) ?? sessionFromShape(shape) ?? membershipFromShape(shape);
}

function writeFromShape(write: NonNullable<Shape['write']>): Found | undefined {
  const kind = writeKindNames.get(write.kind ?? 0);
  if (kind === undefined) return undefined;
  const message = {
    type: 'write',
    generation: write.generation ?? 0,
    sequence: write.sequence ?? 0,
    offset: write.offset ?? 0,
    length: write.length ?? 0,
    kind,
    stableSequence: write.stableSequence ?? 0,
  } as const;
  return { message, checksum: write.checksum ?? 0, carries: kind === 'data' };
}

function copyFromShape(copy: NonNullable<Shape['copy']>): Found | undefined {
  const place = { generation: copy.generation ?? 0, region: copy.region ?? 0 };
  switch (copy.kind) {
    case v1.CopyKind.COPY_KIND_OFFER:
      return bare({ type: 'copy-offer', ...place, digest: copy.digest ?? new Uint8Array() });
    case v1.CopyKind.COPY_KIND_DATA:
      return { message: { type: 'copy-data', ...place }, checksum: copy.checksum ?? 0, carries: true };
    case v1.CopyKind.COPY_KIND_ZERO:
      return bare({ type: 'copy-zero', ...place });
    default:
      return undefined;
  }
}

function leaseFromShape({ heartbeat, heartbeatAnswer }: Shape): Found | undefined {
  if (heartbeat)
    return bare({
      type: 'heartbeat',
      generation: heartbeat.generation ?? 0,
      askedAtMs: heartbeat.askedAtMs ?? 0,
      stableSequence: heartbeat.stableSequence ?? 0,
    });
  if (heartbeatAnswer)
    return bare({
      type: 'heartbeat-answer',
      generation: heartbeatAnswer.generation ?? 0,
      askedAtMs: heartbeatAnswer.askedAtMs ?? 0,
      leaseMs: heartbeatAnswer.leaseMs ?? 0,
    });
  return undefined;
}

function sessionFromShape({
  hello,
  helloAnswer,
  pull,
  pullRegion,
  pullDone,
  refusal,
}: Shape): Found | undefined {
  if (hello) return helloFromShape(hello);
  if (helloAnswer)
    return bare({
      type: 'hello-answer',
      wireVersion: helloAnswer.wireVersion ?? 0,
      host: helloAnswer.host ?? '',
      generation: helloAnswer.generation ?? 0,
      incarnation: helloAnswer.incarnation ?? 0,
      appliedSequence: helloAnswer.appliedSequence ?? 0,
      unstableKnown: helloAnswer.unstableKnown ?? false,
      blank: helloAnswer.blank ?? false,
    });
  if (pull) return bare({ type: 'pull', generation: pull.generation ?? 0 });
  if (pullRegion)
    return {
      message: { type: 'pull-region', region: pullRegion.region ?? 0 },
      checksum: pullRegion.checksum ?? 0,
      carries: true,
    };
  if (pullDone) return bare({ type: 'pull-done', appliedSequence: pullDone.appliedSequence ?? 0 });
  if (refusal) {
    const reason = refusalReasonNames.get(refusal.reason ?? 0);
    if (reason === undefined) return undefined;
    return bare({
      type: 'refusal',
      generation: refusal.generation ?? 0,
      primary: refusal.primary ?? '',
      reason,
      message: refusal.message ?? '',
    });
  }
  return undefined;
}

function helloFromShape(hello: NonNullable<Shape['hello']>): Found | undefined {
  const intent = intentNames.get(hello.intent ?? 0);
  if (intent === undefined) return undefined;
  return bare({
    type: 'hello',
    wireVersion: hello.wireVersion ?? 0,
    volume: hello.volume ?? '',
    sizeBytes: hello.sizeBytes ?? 0,
    host: hello.host ?? '',
    generation: hello.generation ?? 0,
    incarnation: hello.incarnation ?? 0,
    peerIncarnation: hello.peerIncarnation ?? 0,
    intent,
  });
}

function membershipFromShape({ view, viewAnswer, candidate, candidateAnswer }: Shape): Found | undefined {
  if (view)
    return bare({
      type: 'view',
      generation: view.generation ?? 0,
      primary: view.primary ?? '',
      inSync: view.inSync ?? [],
    });
  if (viewAnswer) return bare({ type: 'view-answer', generation: viewAnswer.generation ?? 0 });
  if (candidate)
    return bare({
      type: 'candidate',
      generation: candidate.generation ?? 0,
      proposedGeneration: candidate.proposedGeneration ?? 0,
    });
  if (candidateAnswer)
    return bare({ type: 'candidate-answer', proposedGeneration: candidateAnswer.proposedGeneration ?? 0 });
  return undefined;
}
