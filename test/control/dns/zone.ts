/** A zone of a few names and packets to ask for them, for tests of the responder. */
import { decode, type DecodedPacket, encode, type OptAnswer, type Packet, type RecordType } from 'dns-packet';
import {
  answer,
  type Lookup,
  type Response,
  type Transport,
  type ZoneSettings,
  type ZoneView,
} from '../../../control/dns/answer.ts';

export const ZONE = 'db.lockstep.internal';
export const SETTINGS: ZoneSettings = { zone: ZONE, ttlSeconds: 1, address: '127.0.0.10' };

const names = new Map<string, Lookup>([
  ['orders', { kind: 'address', address: '127.0.0.11' }],
  ['new', { kind: 'no-data' }],
  ['torn', { kind: 'unknown-primary' }],
]);

export const VIEW: ZoneView = { serial: 42, lookup: (label) => names.get(label) };

export const OPT_1232: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

export function question(name: string, type: RecordType, further: Packet = {}): Buffer {
  return encode({ type: 'query', id: 4711, flags: 0x0100, questions: [{ name, type }], ...further });
}

export function ask(
  packet: Buffer,
  options: { readonly transport?: Transport; readonly settings?: ZoneSettings } = {},
): { readonly response: Response; readonly decoded: DecodedPacket } | undefined {
  const response = answer(packet, VIEW, options.settings ?? SETTINGS, options.transport ?? 'udp');
  return response === undefined ? undefined : { response, decoded: decode(response.packet) };
}

/** Asks where an answer is certain. */
export function askFor(...asked: Parameters<typeof ask>): NonNullable<ReturnType<typeof ask>> {
  const result = ask(...asked);
  if (result === undefined) throw new Error('silence');
  return result;
}
