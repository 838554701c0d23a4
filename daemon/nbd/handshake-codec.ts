/**
 * The handshake on the wire (fixed newstyle).
 *
 *   S greeting      "NBDMAGIC" | "IHAVEOPT" | handshake flags u16
 *   C flags         client flags u32
 *   C option        "IHAVEOPT" | option u32 | length u32 | data
 *   S option reply  magic u64 | option u32 | type u32 | length u32 | data
 *   S to EXPORT_NAME, which has no other reply: size u64 | transmission flags u16 | 124 zeroes unless agreed otherwise
 *
 * Data of INFO and GO: name length u32 | name | count u16 | count times an information type u16.
 * Data of LIST_META_CONTEXT and SET_META_CONTEXT: name length u32 | name | count u32 | count times (length u32 | query).
 */
import type { Refused } from './codec.ts';
import type { ExportFacts } from './block.ts';
import { BLOCK_SIZE, HANDSHAKE_FLAG, INFO, MAGIC, TRANSMISSION_FLAG } from './constants.ts';
import { META_QUERIES, OPTION_DATA_BYTES, STRING_BYTES, TEXT_CHARACTERS } from './limits.ts';
import type { ReplyStyle } from './replies.ts';

const CLIENT_FLAGS_BYTES = 4;
const OPTION_HEADER_BYTES = 16;
const RESERVED_ZEROES_BYTES = 124;

/** What every export can do: never ROTATIONAL. */
const READING_FLAGS =
  TRANSMISSION_FLAG.HAS_FLAGS |
  TRANSMISSION_FLAG.SEND_FLUSH |
  // A flush covers what was acknowledged on any connection, and reads see it.
  TRANSMISSION_FLAG.CAN_MULTI_CONN |
  TRANSMISSION_FLAG.SEND_CACHE;
const CHANGING_FLAGS =
  TRANSMISSION_FLAG.SEND_FUA | TRANSMISSION_FLAG.SEND_TRIM | TRANSMISSION_FLAG.SEND_WRITE_ZEROES;

/** "Transmission flags": only what is true of this export on this connection. */
function transmissionFlags(
  { isReadOnly, offersFastZero }: Pick<ExportFacts, 'isReadOnly' | 'offersFastZero'>,
  style: ReplyStyle,
): number {
  const df = style === 'simple' ? 0 : TRANSMISSION_FLAG.SEND_DF;
  if (isReadOnly) return READING_FLAGS | df | TRANSMISSION_FLAG.READ_ONLY;
  return READING_FLAGS | df | CHANGING_FLAGS | (offersFastZero ? TRANSMISSION_FLAG.SEND_FAST_ZERO : 0);
}

export type HandshakeMessage =
  | { readonly kind: 'clientFlags'; readonly flags: number }
  | { readonly kind: 'option'; readonly option: number; readonly data: Buffer };

/** A client's side of the handshake out of chunks, however they are cut. */
export class HandshakeDecoder {
  #bytes: Buffer = Buffer.alloc(0);
  #flagsSeen = false;
  #refusal: Refused | undefined;

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** Undefined: more bytes are needed. After a refusal there is no place to go on from; it is then the answer for good. */
  next(): HandshakeMessage | Refused | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    if (!this.#flagsSeen) {
      if (this.#bytes.length < CLIENT_FLAGS_BYTES) return undefined;
      this.#flagsSeen = true;
      return { kind: 'clientFlags', flags: this.#take(CLIENT_FLAGS_BYTES).readUInt32BE() };
    }
    if (this.#bytes.length < OPTION_HEADER_BYTES) return undefined;
    const magic = this.#bytes.readBigUInt64BE();
    if (magic !== MAGIC.OPTION)
      return this.#refuse(`option magic is 0x${magic.toString(16)}, not "IHAVEOPT"`);
    const option = this.#bytes.readUInt32BE(8);
    const length = this.#bytes.readUInt32BE(12);
    if (length > OPTION_DATA_BYTES)
      return this.#refuse(
        `option ${String(option)} has ${String(length)} bytes; limit ${String(OPTION_DATA_BYTES)}`,
      );
    if (this.#bytes.length < OPTION_HEADER_BYTES + length) return undefined;
    return {
      kind: 'option',
      option,
      data: this.#take(OPTION_HEADER_BYTES + length).subarray(OPTION_HEADER_BYTES),
    };
  }

  /** Nothing that came in plain text may be taken for what was said under TLS. */
  dropAll(): void {
    this.#bytes = Buffer.alloc(0);
  }

  /** What came in behind the last message: a hasty client's first requests. */
  rest(): Buffer {
    return this.#take(this.#bytes.length);
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  #refuse(reason: string): Refused {
    this.#refusal = { kind: 'refused', reason };
    return this.#refusal;
  }
}

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly tooBig: boolean; readonly reason: string };

export interface InfoRequest {
  readonly name: string;
  readonly infos: readonly number[];
}

/** The data of INFO and GO. */
export function decodeInfoRequest(data: Buffer): Decoded<InfoRequest> {
  if (data.length < 6) return invalid(`${String(data.length)} bytes of data; at least 6 are needed`);
  const nameBytes = data.readUInt32BE();
  if (nameBytes > data.length - 6)
    return invalid(
      `a name of ${String(nameBytes)} bytes does not fit into ${String(data.length)} bytes of data`,
    );
  const name = decodeName(data.subarray(4, 4 + nameBytes));
  if (!name.ok) return name;
  const list = data.subarray(4 + nameBytes);
  const count = list.readUInt16BE();
  if (list.length !== 2 + 2 * count)
    return invalid(`${String(count)} information requests in ${String(list.length - 2)} bytes`);
  const infos = Array.from({ length: count }, (_, index) => list.readUInt16BE(2 + 2 * index));
  return { ok: true, value: { name: name.value, infos } };
}

export interface MetaQuery {
  readonly name: string;
  readonly queries: readonly string[];
}

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export function decodeMetaQuery(data: Buffer): Decoded<MetaQuery> {
  if (data.length < 8) return invalid(`${String(data.length)} bytes of data; at least 8 are needed`);
  const strings: string[] = [];
  let at = 0;
  let left = 1;
  while (left > 0) {
    if (data.length - at < 4) return invalid('the data ends within the length of a string');
    const length = data.readUInt32BE(at);
    at += 4;
    if (length > data.length - at)
      return invalid(`a string of ${String(length)} bytes does not fit into the data`);
    const string = decodeName(data.subarray(at, at + length));
    if (!string.ok) return string;
    strings.push(string.value);
    at += length;
    left -= 1;
    if (strings.length > 1) continue;
    if (data.length - at < 4) return invalid('the data ends within the number of queries');
    left = data.readUInt32BE(at);
    at += 4;
    if (left > META_QUERIES)
      return { ok: false, tooBig: true, reason: `${String(left)} queries; limit ${String(META_QUERIES)}` };
  }
  if (at < data.length) return invalid(`${String(data.length - at)} bytes behind the last query`);
  const [name = '', ...queries] = strings;
  return { ok: true, value: { name, queries } };
}

/** The data of REPLY.META_CONTEXT: context u32 | name. */
export function encodeMetaContext(contextId: number, name: string): Buffer {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(contextId);
  return Buffer.concat([id, Buffer.from(name)]);
}

/** A string of the protocol: an export's name, which is also the whole data of EXPORT_NAME, or a query. */
export function decodeName(bytes: Buffer): Decoded<string> {
  if (bytes.length > STRING_BYTES)
    return {
      ok: false,
      tooBig: true,
      reason: `a name of ${String(bytes.length)} bytes; limit ${String(STRING_BYTES)}`,
    };
  let value: string;
  try {
    value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return invalid('the name is not UTF-8');
  }
  return value.includes('\0') ? invalid('the name contains NUL') : { ok: true, value };
}

function invalid(reason: string): { readonly ok: false; readonly tooBig: false; readonly reason: string } {
  return { ok: false, tooBig: false, reason };
}

export function encodeGreeting(): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeBigUInt64BE(MAGIC.GREETING, 0);
  bytes.writeBigUInt64BE(MAGIC.OPTION, 8);
  bytes.writeUInt16BE(HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES, 16);
  return bytes;
}

export function encodeOptionReply(option: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(20);
  header.writeBigUInt64BE(MAGIC.OPTION_REPLY, 0);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(type, 12);
  header.writeUInt32BE(data.length, 16);
  return Buffer.concat([header, data]);
}

/** Text for people, cut where the protocol would not allow more. */
export function encodeText(text: string): Buffer {
  return Buffer.from(text.slice(0, TEXT_CHARACTERS));
}

/** The data of REPLY.SERVER: name length u32 | name | description. */
export function encodeServer(name: string, description: string): Buffer {
  const nameBytes = Buffer.from(name);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(nameBytes.length);
  return Buffer.concat([length, nameBytes, encodeText(description)]);
}

/** The reply to EXPORT_NAME; behind the information type also INFO.EXPORT: size u64 | transmission flags u16. */
export function encodeExport(
  facts: ExportFacts,
  options: { readonly style: ReplyStyle; readonly zeroes: boolean },
): Buffer {
  const bytes = Buffer.alloc(10 + (options.zeroes ? RESERVED_ZEROES_BYTES : 0));
  bytes.writeBigUInt64BE(BigInt(facts.sizeBytes), 0);
  bytes.writeUInt16BE(transmissionFlags(facts, options.style), 8);
  return bytes;
}

/** The data of REPLY.INFO: information type u16 | what belongs to it. */
export function encodeInfo(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(type);
  return Buffer.concat([bytes, value]);
}

/** INFO.BLOCK_SIZE: minimum u32 | preferred u32 | maximum payload u32. */
export function encodeBlockSize(): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(BLOCK_SIZE.MINIMUM_BYTES, 0);
  bytes.writeUInt32BE(BLOCK_SIZE.PREFERRED_BYTES, 4);
  bytes.writeUInt32BE(BLOCK_SIZE.MAXIMUM_PAYLOAD_BYTES, 8);
  return bytes;
}

/** The information that a client gets: always INFO.EXPORT, each of the others once if it asked for it. */
export function encodeInfos(infos: readonly number[], facts: ExportFacts, style: ReplyStyle): Buffer[] {
  const encoded = [encodeInfo(INFO.EXPORT, encodeExport(facts, { style, zeroes: false }))];
  const asked = new Set(infos);
  if (asked.has(INFO.NAME)) encoded.push(encodeInfo(INFO.NAME, Buffer.from(facts.name)));
  if (asked.has(INFO.DESCRIPTION)) encoded.push(encodeInfo(INFO.DESCRIPTION, encodeText(facts.description)));
  if (asked.has(INFO.BLOCK_SIZE)) encoded.push(encodeInfo(INFO.BLOCK_SIZE, encodeBlockSize()));
  return encoded;
}
