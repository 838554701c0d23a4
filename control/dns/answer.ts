/**
 * What the authoritative responder says to one packet. Pure: packet and view in, packet out.
 *
 *   zone            SOA, NS
 *   ns.zone         A, the address of this server
 *   {alias}.zone    A, the address of the database's primary
 *
 * A name that exists never turns into NXDOMAIN, which resolvers and clients remember for long: before the address is
 * known it has no data, and while nobody can tell who the primary is the answer is SERVFAIL, which is tried again.
 */
import { encode, type Answer } from 'dns-packet';
import { type Edns, parseQuery, type Query, type Question } from './query.ts';

export type Transport = 'udp' | 'tcp';

export type Lookup =
  | { readonly kind: 'address'; readonly address: string }
  /** The name exists and has no address yet. */
  | { readonly kind: 'no-data' }
  | { readonly kind: 'unknown-primary' };

export interface ZoneView {
  /** Grows with every change of an answer. */
  readonly serial: number;
  /** The label in lower case; undefined when there is no such name. */
  lookup(label: string): Lookup | undefined;
}

export interface ZoneSettings {
  /** In lower case, without a dot at the end. */
  readonly zone: string;
  readonly ttlSeconds: number;
  /** IPv4, of this server. */
  readonly address: string;
}

export type Rcode = keyof typeof RCODES;

export interface Response {
  readonly rcode: Rcode;
  readonly packet: Buffer;
}

/** Without EDNS a client takes no more than this over UDP. */
export const PLAIN_UDP_BYTES = 512;
/** What passes every path unfragmented, and all that we announce and send over UDP. */
export const EDNS_UDP_BYTES = 1232;
const MAX_TCP_BYTES = 65_535;

const RCODES = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;
const TYPES = { A: 1, NS: 2, SOA: 6, IXFR: 251, AXFR: 252, ANY: 255 } as const;
const CLASS_IN = 1;
const FLAG_AA = 1 << 10;
const FLAG_TC = 1 << 9;
const FLAG_RD = 1 << 8;
const FLAG_CD = 1 << 4;
const EDNS_DO = 1 << 15;
/** The label of the zone's name server; no database can have it. */
export const NAME_SERVER_LABEL = 'ns';

/** Undefined where silence is the answer. */
export function answer(
  packet: Buffer,
  view: ZoneView,
  settings: ZoneSettings,
  transport: Transport,
): Response | undefined {
  const query = parseQuery(packet);
  switch (query.kind) {
    case 'silence':
      return undefined;
    case 'malformed':
      return respond(query, { ...NOTHING, rcode: 'FORMERR' }, transport);
    case 'other-opcode':
      return respond(query, { ...NOTHING, rcode: 'NOTIMP' }, transport);
    case 'question':
      return respond(query, decide(query.question, query.edns, view, settings), transport);
  }
}

interface Verdict {
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  /** Helpful, and the first to go when there is no room. */
  readonly additionals: readonly Answer[];
}

const NOTHING: Verdict = {
  rcode: 'NOERROR',
  authoritative: false,
  answers: [],
  authorities: [],
  additionals: [],
};

function decide(question: Question, edns: Edns | undefined, view: ZoneView, settings: ZoneSettings): Verdict {
  if (edns !== undefined && edns.version > 0) return { ...NOTHING, rcode: 'BADVERS' };
  const { type } = question;
  const inner = labelsBelow(question.labels, settings.zone);
  // Transfers are refused, not unknown: the zone is asked for name by name.
  if (question.class !== CLASS_IN || inner === undefined || type === TYPES.AXFR || type === TYPES.IXFR)
    return { ...NOTHING, rcode: 'REFUSED' };
  const zone = new ZoneRecords(settings, view.serial);
  const [label] = inner;
  if (label === undefined) return atApex(question, zone);
  if (inner.length > 1) return zone.without('NXDOMAIN');
  if (label === NAME_SERVER_LABEL) return withAddress(question, settings.address, zone);
  const found = view.lookup(label);
  if (found === undefined) return zone.without('NXDOMAIN');
  switch (found.kind) {
    case 'no-data':
      return zone.without('NOERROR');
    case 'address':
      return withAddress(question, found.address, zone);
    case 'unknown-primary':
      // Whatever the type: a NODATA for AAAA beside it would have clients believe that there is no address at all.
      return { ...NOTHING, rcode: 'SERVFAIL' };
  }
}

function atApex(question: Question, zone: ZoneRecords): Verdict {
  const found = { ...NOTHING, authoritative: true };
  switch (question.type) {
    case TYPES.SOA:
      return { ...found, answers: [zone.soa(question.name)] };
    case TYPES.NS:
      return { ...found, answers: [zone.nameServer(question.name)], additionals: [zone.nameServerAddress()] };
    case TYPES.ANY:
      // RFC 8482: one set of records is answer enough.
      return { ...found, answers: [zone.soa(question.name)] };
    default:
      return zone.without('NOERROR');
  }
}

function withAddress(question: Question, address: string, zone: ZoneRecords): Verdict {
  if (question.type !== TYPES.A && question.type !== TYPES.ANY) return zone.without('NOERROR');
  return { ...NOTHING, authoritative: true, answers: [zone.address(question.name, address)] };
}

/** The labels in front of the zone; undefined for a name outside of it. */
function labelsBelow(labels: readonly string[], zone: string): readonly string[] | undefined {
  const apex = zone.split('.');
  const depth = labels.length - apex.length;
  if (depth < 0 || !apex.every((label, index) => labels[depth + index] === label)) return undefined;
  return labels.slice(0, depth);
}

class ZoneRecords {
  readonly #settings: ZoneSettings;
  readonly #serial: number;

  constructor(settings: ZoneSettings, serial: number) {
    this.#settings = settings;
    this.#serial = serial;
  }

  /** No such name, or no such record: the SOA tells for how long that may be remembered (RFC 2308). */
  without(rcode: 'NXDOMAIN' | 'NOERROR'): Verdict {
    return { ...NOTHING, rcode, authoritative: true, authorities: [this.soa(this.#settings.zone)] };
  }

  soa(name: string): Answer {
    const { zone, ttlSeconds: ttl } = this.#settings;
    const data = {
      mname: `${NAME_SERVER_LABEL}.${zone}`,
      rname: `hostmaster.${zone}`,
      serial: this.#serial,
      refresh: 60,
      retry: 10,
      expire: 86_400,
      minimum: ttl,
    };
    return { type: 'SOA', name, ttl, data };
  }

  nameServer(name: string): Answer {
    const { zone, ttlSeconds: ttl } = this.#settings;
    return { type: 'NS', name, ttl, data: `${NAME_SERVER_LABEL}.${zone}` };
  }

  nameServerAddress(): Answer {
    return this.address(`${NAME_SERVER_LABEL}.${this.#settings.zone}`, this.#settings.address);
  }

  address(name: string, address: string): Answer {
    return { type: 'A', name, ttl: this.#settings.ttlSeconds, data: address };
  }
}

function respond(
  query: Exclude<Query, { kind: 'silence' }>,
  verdict: Verdict,
  transport: Transport,
): Response {
  const edns = query.kind === 'question' ? query.edns : undefined;
  const limit = transport === 'tcp' ? MAX_TCP_BYTES : udpLimit(edns);
  // Without the glue the client asks once more; without the answer it has to be told to come back over TCP.
  const candidates = [verdict, { ...verdict, additionals: [] }];
  for (const candidate of candidates) {
    const packet = encodeResponse(query, edns, candidate, false);
    if (packet.length <= limit) return { rcode: verdict.rcode, packet };
  }
  const cut = { ...verdict, answers: [], authorities: [], additionals: [] };
  return { rcode: verdict.rcode, packet: encodeResponse(query, edns, cut, true) };
}

function udpLimit(edns: Edns | undefined): number {
  if (edns === undefined) return PLAIN_UDP_BYTES;
  return Math.min(Math.max(edns.udpPayloadSize, PLAIN_UDP_BYTES), EDNS_UDP_BYTES);
}

function encodeResponse(
  query: Exclude<Query, { kind: 'silence' }>,
  edns: Edns | undefined,
  verdict: Verdict,
  truncated: boolean,
): Buffer {
  const { header } = query;
  const rcode = RCODES[verdict.rcode];
  const flags =
    (header.opcode << 11) |
    (verdict.authoritative ? FLAG_AA : 0) |
    (truncated ? FLAG_TC : 0) |
    (header.recursionDesired ? FLAG_RD : 0) |
    (header.checkingDisabled ? FLAG_CD : 0) |
    (rcode & 0xf);
  const opt = edns === undefined ? [] : [optRecord(edns, rcode)];
  const encoded = encode({
    type: 'response',
    id: header.id,
    flags,
    answers: [...verdict.answers],
    authorities: [...verdict.authorities],
    additionals: [...verdict.additionals, ...opt],
  });
  return query.kind === 'question' ? withQuestion(encoded, query.question.bytes) : encoded;
}

/** dns-packet writes no compression, so records may be moved behind the question without being touched. */
function withQuestion(encoded: Buffer, question: Buffer): Buffer {
  const packet = Buffer.concat([encoded.subarray(0, 12), question, encoded.subarray(12)]);
  packet.writeUInt16BE(1, 4);
  return packet;
}

function optRecord(edns: Edns, rcode: number): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: EDNS_UDP_BYTES,
    extendedRcode: rcode >> 4,
    ednsVersion: 0,
    flags: edns.dnssecOk ? EDNS_DO : 0,
    flag_do: edns.dnssecOk,
    options: [],
  };
}
