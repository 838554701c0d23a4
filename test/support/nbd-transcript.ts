/** Handshake bytes as lines of text and back, written from the protocol text and not with the product's codec. */
import { infoData, metaData, optionBytes } from './nbd-client.ts';

const OPTIONS: Readonly<Record<string, number>> = {
  EXPORT_NAME: 1,
  ABORT: 2,
  LIST: 3,
  STARTTLS: 5,
  INFO: 6,
  GO: 7,
  STRUCTURED_REPLY: 8,
  LIST_META_CONTEXT: 9,
  SET_META_CONTEXT: 10,
  EXTENDED_HEADERS: 11,
};
const REPLIES: Readonly<Record<string, number>> = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  META_CONTEXT: 4,
  ERR_UNSUP: 0x80000001,
  ERR_POLICY: 0x80000002,
  ERR_INVALID: 0x80000003,
  ERR_TLS_REQD: 0x80000005,
  ERR_UNKNOWN: 0x80000006,
  ERR_TOO_BIG: 0x80000009,
  ERR_EXT_HEADER_REQD: 0x8000000a,
};
const INFOS: Readonly<Record<string, number>> = { EXPORT: 0, NAME: 1, DESCRIPTION: 2, BLOCK_SIZE: 3 };
const CLIENT_FLAGS = ['FIXED_NEWSTYLE', 'NO_ZEROES'];
const TRANSMISSION_FLAGS = [
  'HAS_FLAGS',
  'READ_ONLY',
  'SEND_FLUSH',
  'SEND_FUA',
  'ROTATIONAL',
  'SEND_TRIM',
  'SEND_WRITE_ZEROES',
  'SEND_DF',
  'CAN_MULTI_CONN',
  'SEND_RESIZE',
  'SEND_CACHE',
  'SEND_FAST_ZERO',
];

/**
 * `flags FIXED_NEWSTYLE NO_ZEROES`, `flags 0x10`, `GO "name" BLOCK_SIZE 7`, `LIST`, `LIST data 00ff`,
 * `SET_META_CONTEXT "name" base:allocation`, `EXPORT_NAME "name"`, `EXPORT_NAME xxx 4097` (a name of so many x), `option 77`, `raw 00ff`, `33 times LIST`.
 */
export function clientBytes(line: string): Buffer {
  const [word = '', ...rest] = line.split(' ');
  if (rest[0] === 'times') {
    const once = clientBytes(rest.slice(1).join(' '));
    return Buffer.concat(Array.from({ length: Number(word) }, () => once));
  }
  if (word === 'raw') return Buffer.from(rest.join(''), 'hex');
  if (word === 'flags') return clientFlags(rest);
  const option = word === 'option' ? Number(rest.shift()) : OPTIONS[word];
  if (option === undefined) throw new Error(`not a line of a client: ${line}`);
  return optionBytes(option, optionData(option, rest));
}

function clientFlags(words: readonly string[]): Buffer {
  const bytes = Buffer.alloc(4);
  for (const word of words) {
    const bit = CLIENT_FLAGS.indexOf(word);
    bytes.writeUInt32BE((bytes.readUInt32BE() | (bit >= 0 ? 1 << bit : Number(word))) >>> 0);
  }
  return bytes;
}

function optionData(option: number, words: readonly string[]): Buffer {
  if (words[0] === 'data') return Buffer.from(words.slice(1).join(''), 'hex');
  if (words[0] === 'bytes') return Buffer.alloc(Number(words[1]), 'x');
  if (words.length === 0) return Buffer.alloc(0);
  const name = words[0] === 'xxx' ? 'x'.repeat(Number(words[1])) : (JSON.parse(words[0] ?? '') as string);
  if (option === OPTIONS['EXPORT_NAME']) return Buffer.from(name);
  if (option === OPTIONS['LIST_META_CONTEXT'] || option === OPTIONS['SET_META_CONTEXT'])
    return metaData(name, words.slice(1));
  const infos = words.slice(words[0] === 'xxx' ? 2 : 1).map((word) => INFOS[word] ?? Number(word));
  return infoData(name, infos);
}

/** What a server said in the handshake, one line per message. */
export function serverLines(bytes: Buffer, options: { readonly greeting: boolean }): string[] {
  if (options.greeting) {
    const flags = flagNames(bytes.readUInt16BE(16), CLIENT_FLAGS);
    return [`greeting ${bytes.toString('latin1', 0, 8)} ${bytes.toString('latin1', 8, 16)} ${flags}`];
  }
  if (bytes.readBigUInt64BE() !== 0x3e889045565a9n) return [`export ${exportText(bytes)}`];
  const lines: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.readBigUInt64BE(at) !== 0x3e889045565a9n) throw new Error(`no reply at ${String(at)}`);
    const length = bytes.readUInt32BE(at + 16);
    const data = bytes.subarray(at + 20, at + 20 + length);
    if (data.length !== length) throw new Error('a reply is longer than what was sent');
    lines.push(replyLine(bytes.readUInt32BE(at + 8), bytes.readUInt32BE(at + 12), data));
    at += 20 + length;
  }
  return lines;
}

function replyLine(option: number, type: number, data: Buffer): string {
  const head = `${nameOf(OPTIONS, option)}: ${nameOf(REPLIES, type)}`;
  if (type === REPLIES['INFO']) return `${head} ${infoText(data)}`;
  if (type === REPLIES['SERVER']) {
    const end = 4 + data.readUInt32BE();
    return `${head} ${JSON.stringify(data.toString('utf8', 4, end))} ${JSON.stringify(data.toString('utf8', end))}`;
  }
  if (type === REPLIES['META_CONTEXT'])
    return `${head} ${String(data.readUInt32BE())} ${JSON.stringify(data.toString('utf8', 4))}`;
  return data.length === 0 ? head : `${head} ${JSON.stringify(data.toString('utf8'))}`;
}

function infoText(data: Buffer): string {
  const type = data.readUInt16BE();
  const name = nameOf(INFOS, type);
  if (type === INFOS['EXPORT']) return `${name} ${exportText(data.subarray(2))}`;
  if (type !== INFOS['BLOCK_SIZE']) return `${name} ${JSON.stringify(data.toString('utf8', 2))}`;
  const sizes = [data.readUInt32BE(2), data.readUInt32BE(6), data.readUInt32BE(10)].map(String);
  return `${name} minimum=${sizes[0] ?? ''} preferred=${sizes[1] ?? ''} maximum=${sizes[2] ?? ''}`;
}

function exportText(bytes: Buffer): string {
  const padding = bytes.subarray(10);
  if (padding.some((byte) => byte !== 0)) throw new Error('the reserved bytes are not zero');
  const zeroes = padding.length > 0 ? ` +${String(padding.length)} zeroes` : '';
  return `size=${String(bytes.readBigUInt64BE())} ${flagNames(bytes.readUInt16BE(8), TRANSMISSION_FLAGS)}${zeroes}`;
}

function flagNames(flags: number, names: readonly string[]): string {
  const set = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => ((flags >>> bit) & 1) === 1);
  return set.map((bit) => names[bit] ?? `bit${String(bit)}`).join(' ');
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? String(value);
}
