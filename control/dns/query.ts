/**
 * Reads a DNS query (RFC 1035, section 4), as strictly as a server may that is asked by the whole network.
 *
 *   0  id | 2  QR opcode(4) AA TC RD RA Z AD CD rcode(4) | 4  counts of question, answer, authority, additional
 *   12 question: name, type, class; further sections: name, type, class, TTL, length, data
 *
 * The question keeps its bytes: a response repeats them exactly, since resolvers hide entropy in the case of letters
 * (0x20) and since a label may hold any byte, which no text codec gives back.
 */

export interface QueryHeader {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
}

export interface Question {
  /** Name, type and class as they came. */
  readonly bytes: Buffer;
  /** Outermost last, ASCII letters in lower case, every byte one character. */
  readonly labels: readonly string[];
  /** As asked, of use only where the labels are known to be plain. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface Edns {
  readonly version: number;
  readonly udpPayloadSize: number;
  readonly dnssecOk: boolean;
}

export type Query =
  /** To answer these would be to answer answers, and two servers would never stop. */
  | { readonly kind: 'silence'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly header: QueryHeader; readonly reason: string }
  | { readonly kind: 'other-opcode'; readonly header: QueryHeader }
  | {
      readonly kind: 'question';
      readonly header: QueryHeader;
      readonly question: Question;
      readonly edns: Edns | undefined;
    };

const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const MAX_LABEL_BYTES = 63;
const POINTER = 0xc0;
/** Type, class, TTL and length of a record, behind its name. */
const RECORD_FIXED_BYTES = 10;
const TYPE_OPT = 41;

export function parseQuery(packet: Buffer): Query {
  if (packet.length < HEADER_BYTES) return { kind: 'silence', reason: 'shorter than a header' };
  const flags = packet.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return { kind: 'silence', reason: 'a response' };
  const header = {
    id: packet.readUInt16BE(0),
    opcode: (flags >> 11) & 0xf,
    recursionDesired: (flags & 0x0100) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
  };
  if (header.opcode !== 0) return { kind: 'other-opcode', header };
  const malformed = (reason: string): Query => ({ kind: 'malformed', header, reason });
  const questions = packet.readUInt16BE(4);
  if (questions !== 1) return malformed(`${questions} questions`);
  const question = parseQuestion(packet);
  if (typeof question === 'string') return malformed(question);
  const rest = parseRecords(packet, HEADER_BYTES + question.bytes.length);
  if (typeof rest === 'string') return malformed(rest);
  return { kind: 'question', header, question, edns: rest.edns };
}

function parseQuestion(packet: Buffer): Question | string {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = packet[at];
    if (length === undefined) return 'the question is cut off';
    at++;
    if (length === 0) break;
    // Before the question there is only the header: a pointer could lead nowhere but in circles.
    if (length > MAX_LABEL_BYTES) return 'the name of the question is compressed';
    if (at + length > packet.length) return 'the question is cut off';
    if (at + length + 1 - HEADER_BYTES > MAX_NAME_BYTES) return 'the name of the question is too long';
    labels.push(packet.toString('latin1', at, at + length));
    at += length;
  }
  const end = at + 4;
  if (end > packet.length) return 'the question is cut off';
  return {
    bytes: packet.subarray(HEADER_BYTES, end),
    labels: labels.map(lowerCase),
    name: labels.join('.'),
    type: packet.readUInt16BE(at),
    class: packet.readUInt16BE(at + 2),
  };
}

/** Walks the further sections for the OPT record; a TSIG and the SOA of an IXFR are stepped over. */
function parseRecords(packet: Buffer, start: number): { readonly edns: Edns | undefined } | string {
  const beforeAdditional = packet.readUInt16BE(6) + packet.readUInt16BE(8);
  const count = beforeAdditional + packet.readUInt16BE(10);
  let at = start;
  let edns: Edns | undefined;
  // Each record takes more than ten bytes of the packet, which bounds the loop whatever the counts say.
  for (let index = 0; index < count; index++) {
    const name = at;
    const fixed = endOfName(packet, at);
    if (fixed === undefined || fixed + RECORD_FIXED_BYTES > packet.length) return 'a record is cut off';
    const data = fixed + RECORD_FIXED_BYTES;
    at = data + packet.readUInt16BE(fixed + 8);
    if (at > packet.length) return 'a record is cut off';
    if (packet.readUInt16BE(fixed) !== TYPE_OPT) continue;
    if (index < beforeAdditional) return 'OPT is not in the additional section';
    if (packet[name] !== 0) return 'the name of OPT is not the root';
    if (edns !== undefined) return 'OPT is there twice';
    if (!optionsAreWhole(packet.subarray(data, at))) return 'an EDNS option is cut off';
    edns = {
      udpPayloadSize: packet.readUInt16BE(fixed + 2),
      version: packet.readUInt8(fixed + 5),
      dnssecOk: (packet.readUInt16BE(fixed + 6) & 0x8000) !== 0,
    };
  }
  return at === packet.length ? { edns } : 'bytes follow the last record';
}

/** Where the name ends. Its bytes are stepped over, not followed: nothing here depends on what such a name says. */
function endOfName(packet: Buffer, start: number): number | undefined {
  let at = start;
  for (;;) {
    const length = packet[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= POINTER) return at + 2;
    if (length > MAX_LABEL_BYTES || at + length - start > MAX_NAME_BYTES) return undefined;
    at += length + 1;
  }
}

function optionsAreWhole(options: Buffer): boolean {
  let at = 0;
  while (at + 4 <= options.length) at += 4 + options.readUInt16BE(at + 2);
  return at === options.length;
}

/** Of ASCII only: elsewhere, case is not the domain name system's. */
function lowerCase(label: string): string {
  return label.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
