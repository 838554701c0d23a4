/** What a client asked for in the transmission phase, decoded anew, and what the protocol has each request come to. */
import { CMD, EXTENDED_REQUEST_MAGIC, FLAG, MAXIMUM_PAYLOAD_BYTES, REQUEST_MAGIC } from './protocol.ts';
import type { FuzzExport } from './world.ts';

export interface SentRequest {
  readonly flags: number;
  readonly command: number;
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: bigint;
  readonly payload: Buffer | undefined;
  /** `any`: the protocol leaves it open, or the disk may fail it. */
  readonly outcome: 'success' | 'error' | 'any';
}

export interface SentRequests {
  readonly requests: readonly SentRequest[];
  /** What comes behind the last of them. */
  readonly end: 'nothing' | 'a part of a request' | 'DISC' | 'garbage';
}

export interface Terms {
  readonly served: FuzzExport;
  readonly style: 'simple' | 'structured' | 'extended';
  /** Numbers of the selected metadata contexts. */
  readonly contexts: readonly number[];
}

/** What a server may have to take off the stream; beyond it nobody can wait. */
const DRAINED_BYTES = 2n ** 32n - 1n;

export function sentRequests(client: Buffer, terms: Terms): SentRequests {
  const isExtended = terms.style === 'extended';
  const headerBytes = isExtended ? 32 : 28;
  const requests: SentRequest[] = [];
  let at = 0;
  for (;;) {
    const left = client.length - at;
    if (left < headerBytes) return { requests, end: left === 0 ? 'nothing' : 'a part of a request' };
    if (client.readUInt32BE(at) !== (isExtended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC))
      return { requests, end: 'garbage' };
    const flags = client.readUInt16BE(at + 4);
    const command = client.readUInt16BE(at + 6);
    const length = isExtended ? client.readBigUInt64BE(at + 24) : BigInt(client.readUInt32BE(at + 24));
    const hasPayload = isExtended ? (flags & FLAG.PAYLOAD_LEN) !== 0 : command === CMD.WRITE;
    const payloadBytes = hasPayload ? length : 0n;
    if (payloadBytes > DRAINED_BYTES) return { requests, end: 'garbage' };
    if (BigInt(left) < BigInt(headerBytes) + payloadBytes) return { requests, end: 'a part of a request' };
    const payload = hasPayload
      ? client.subarray(at + headerBytes, at + headerBytes + Number(payloadBytes))
      : undefined;
    const fields = {
      flags,
      command,
      cookie: client.readBigUInt64BE(at + 8),
      offset: client.readBigUInt64BE(at + 16),
      length,
      payload,
    };
    at += headerBytes + Number(payloadBytes);
    if (command === CMD.DISC) return { requests, end: 'DISC' };
    requests.push({ ...fields, outcome: outcomeOf(fields, terms) });
  }
}

type Fields = Omit<SentRequest, 'outcome'>;

function outcomeOf(fields: Fields, terms: Terms): SentRequest['outcome'] {
  const { command, flags, offset, length } = fields;
  const { served, style } = terms;
  const allowed = allowedFlags(command, terms);
  if (allowed === undefined || (flags & ~allowed) !== 0) return 'error';
  if (style === 'extended' && command === CMD.WRITE && (flags & FLAG.PAYLOAD_LEN) === 0) return 'error';
  const changes = command === CMD.WRITE || command === CMD.TRIM || command === CMD.WRITE_ZEROES;
  if (changes && served.isReadOnly) return 'error';
  if (command === CMD.FLUSH) return offset === 0n && length === 0n ? 'success' : 'error';
  if (offset + length > BigInt(served.sizeBytes)) return 'error';
  if ((command === CMD.READ || command === CMD.WRITE) && length > BigInt(MAXIMUM_PAYLOAD_BYTES))
    return 'error';
  // What nothing at all comes to is left open.
  if (length === 0n) return 'any';
  // Whether it can be fast with its space kept, or at all at this time, is the server's to say.
  if ((flags & FLAG.FAST_ZERO) !== 0) return served.zeroesFast ? 'any' : 'error';
  return 'success';
}

/** Undefined: there is no such command on these terms. FUA is to be accepted on all of them. */
function allowedFlags(command: number, { style, contexts }: Terms): number | undefined {
  switch (command) {
    case CMD.READ:
      return FLAG.FUA | (style === 'simple' ? 0 : FLAG.DF);
    case CMD.WRITE:
      return FLAG.FUA | (style === 'extended' ? FLAG.PAYLOAD_LEN : 0);
    case CMD.FLUSH:
    case CMD.TRIM:
    case CMD.CACHE:
      return FLAG.FUA;
    case CMD.WRITE_ZEROES:
      return FLAG.FUA | FLAG.NO_HOLE | FLAG.FAST_ZERO;
    case CMD.BLOCK_STATUS:
      return contexts.length === 0 ? undefined : FLAG.FUA | FLAG.REQ_ONE;
    default:
      return undefined;
  }
}
