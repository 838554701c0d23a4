/**
 * What a client may say in one session, out of chance: an own encoder of the grammar, with values that are valid, at
 * the edges, or beyond them. Each part is one message, so that parts can be repeated, left out and exchanged.
 */
import { Random } from '../support/harness/random.ts';
import {
  CMD,
  EXTENDED_REQUEST_MAGIC,
  FLAG,
  MAXIMUM_PAYLOAD_BYTES,
  OPT,
  OPTION_MAGIC,
  REQUEST_MAGIC,
} from './protocol.ts';
import { ABSENT, EXPORTS, type FuzzExport } from './world.ts';

const MOST_OPTIONS = 5;
const MOST_REQUESTS = 8;
/** Of what is read and written where nothing else is at stake. */
const USUAL_BYTES = 2048;
const NO_BYTES: Buffer = Buffer.alloc(0);
const TWO_TO_32 = 2 ** 32;

const CONTEXTS = [
  'base:allocation',
  'base:',
  'lockstep:',
  'lockstep:dirty/b',
  'lockstep:diff/monday',
  'qemu:x',
  'a',
  ':',
];
const KNOWN_OPTIONS = Object.values(OPT);
const KNOWN_COMMANDS = Object.values(CMD);
const LENGTHS = [0, 1, 511, 512, 513, 4096, 65_536, MAXIMUM_PAYLOAD_BYTES + 1, 2 ** 31, 2 ** 32 - 1];
const LONG_LENGTHS = [2n ** 32n, 2n ** 52n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
const OFFSETS = [
  0n,
  1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 52n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 512n,
  2n ** 64n - 1n,
];

type Style = 'simple' | 'structured' | 'extended';

/** The messages of one session in order. `wildness` is the probability of a value that nobody should send. */
export function sessionParts(random: Random, wildness: number): Buffer[] {
  return new Session(random, wildness).parts();
}

class Session {
  readonly #random: Random;
  readonly #wildness: number;
  #style: Style = 'simple';
  #cookie: bigint;

  constructor(random: Random, wildness: number) {
    this.#random = random;
    this.#wildness = wildness;
    this.#cookie = BigInt(random.below(TWO_TO_32)) << 32n;
  }

  parts(): Buffer[] {
    const random = this.#random;
    const parts = [this.#clientFlags()];
    for (let left = random.below(MOST_OPTIONS); left > 0; left--) parts.push(this.#option());
    const served = this.#export();
    if (this.#style !== 'simple' && random.happens(0.5))
      parts.push(option(OPT.SET_META_CONTEXT, metaQuery(served.name, ['base:allocation'])));
    if (random.happens(0.03)) return [...parts, option(OPT.ABORT, NO_BYTES)];
    const byName = this.#style !== 'extended' && random.happens(0.1);
    parts.push(
      byName
        ? option(OPT.EXPORT_NAME, Buffer.from(served.name))
        : option(OPT.GO, infoRequest(served.name, [3])),
    );
    for (let left = random.below(MOST_REQUESTS + 1); left > 0; left--) parts.push(this.#request(served));
    if (random.happens(0.5))
      parts.push(this.#header({ command: CMD.DISC, flags: 0, offset: 0n, length: 0n }));
    return parts;
  }

  get #isWild(): boolean {
    return this.#random.happens(this.#wildness);
  }

  #export(): FuzzExport {
    const [usual] = EXPORTS;
    if (usual === undefined) throw new Error('no exports');
    return this.#random.happens(0.6) ? usual : (this.#random.pick(EXPORTS) ?? usual);
  }

  #name(): string {
    if (!this.#isWild) return this.#export().name;
    return this.#random.pick([ABSENT, 'nobody', 'x'.repeat(4096), 'x'.repeat(4097), '\0', '\u{1f4be}']) ?? '';
  }

  #clientFlags(): Buffer {
    const bytes = Buffer.alloc(4);
    const known = this.#random.happens(0.8) ? 3 : this.#random.below(4);
    bytes.writeUInt32BE(this.#isWild ? this.#random.below(TWO_TO_32) : known);
    return bytes;
  }

  #option(): Buffer {
    const random = this.#random;
    if (this.#isWild) {
      const number = random.happens(0.5) ? random.pick(KNOWN_OPTIONS) : random.below(TWO_TO_32);
      return option(number ?? 0, randomBytes(random, random.below(64)));
    }
    switch (random.below(6)) {
      case 0:
        return option(OPT.LIST, NO_BYTES);
      case 1:
        this.#style = this.#style === 'extended' ? 'extended' : 'structured';
        return option(OPT.STRUCTURED_REPLY, NO_BYTES);
      case 2:
        this.#style = 'extended';
        return option(OPT.EXTENDED_HEADERS, NO_BYTES);
      case 3:
        return option(OPT.INFO, infoRequest(this.#name(), this.#infos()));
      case 4:
        return option(OPT.LIST_META_CONTEXT, metaQuery(this.#name(), this.#contexts()));
      default:
        return random.happens(0.3)
          ? option(OPT.STARTTLS, NO_BYTES)
          : option(OPT.SET_META_CONTEXT, metaQuery(this.#name(), this.#contexts()));
    }
  }

  #infos(): number[] {
    return Array.from({ length: this.#random.below(6) }, () => this.#random.below(this.#isWild ? 65_536 : 5));
  }

  #contexts(): string[] {
    return Array.from({ length: this.#random.below(4) }, () => this.#random.pick(CONTEXTS) ?? '');
  }

  #request(served: FuzzExport): Buffer {
    const random = this.#random;
    const command = this.#isWild ? random.below(12) : (random.pick(KNOWN_COMMANDS) ?? 0);
    if (command === CMD.DISC && random.happens(0.8)) return this.#request(served);
    const hasRange = command !== CMD.FLUSH && command !== CMD.DISC;
    const length = hasRange ? this.#length(command, served) : 0n;
    const offset = hasRange ? this.#offset(served, length) : 0n;
    let flags = this.#flags(command);
    const isWrite = command === CMD.WRITE;
    if (isWrite && this.#style === 'extended' && !this.#isWild) flags |= FLAG.PAYLOAD_LEN;
    const header = this.#header({ command, flags, offset, length });
    const hasPayload = this.#style === 'extended' ? (flags & FLAG.PAYLOAD_LEN) !== 0 : isWrite;
    if (!hasPayload || length > BigInt(USUAL_BYTES)) return header;
    return Buffer.concat([header, randomBytes(random, Number(length))]);
  }

  #flags(command: number): number {
    const random = this.#random;
    if (this.#isWild) return random.below(65_536);
    let flags = random.happens(0.2) ? FLAG.FUA : 0;
    if (command === CMD.READ && this.#style !== 'simple' && random.happens(0.3)) flags |= FLAG.DF;
    if (command === CMD.WRITE_ZEROES)
      flags |= random.below(2) * FLAG.NO_HOLE + random.below(2) * FLAG.FAST_ZERO;
    if (command === CMD.BLOCK_STATUS && random.happens(0.3)) flags |= FLAG.REQ_ONE;
    return flags;
  }

  #length(command: number, { sizeBytes }: FuzzExport): bigint {
    const random = this.#random;
    if (this.#isWild) {
      if (this.#style === 'extended' && random.happens(0.3)) return random.pick(LONG_LENGTHS) ?? 0n;
      // Seldom: each of them is 32 MiB to be made and thrown away.
      if (random.happens(0.01)) return BigInt(MAXIMUM_PAYLOAD_BYTES);
      return BigInt(random.pick(LENGTHS) ?? 0);
    }
    const hasNoBytes = command === CMD.TRIM || command === CMD.WRITE_ZEROES || command === CMD.BLOCK_STATUS;
    // Long ones stay seldom where each byte costs time.
    const most = hasNoBytes
      ? 2 ** 32 - 1
      : command !== CMD.WRITE && random.happens(0.03)
        ? 200_000
        : USUAL_BYTES;
    return BigInt(random.below(Math.min(most, sizeBytes) + 1));
  }

  #offset({ sizeBytes }: FuzzExport, length: bigint): bigint {
    const random = this.#random;
    if (this.#isWild) return random.pick(OFFSETS) ?? 0n;
    const last = BigInt(sizeBytes) - length;
    if (last <= 0n) return 0n;
    if (random.happens(0.1)) return last;
    return BigInt(Math.floor(random.next() * Number(last)));
  }

  #header(fields: {
    readonly command: number;
    readonly flags: number;
    readonly offset: bigint;
    readonly length: bigint;
  }): Buffer {
    const isExtended = this.#style === 'extended';
    const bytes = Buffer.allocUnsafe(isExtended ? 32 : 28);
    bytes.writeUInt32BE(isExtended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC, 0);
    bytes.writeUInt16BE(fields.flags, 4);
    bytes.writeUInt16BE(fields.command, 6);
    bytes.writeBigUInt64BE(this.#cookie++, 8);
    bytes.writeBigUInt64BE(fields.offset, 16);
    if (isExtended) bytes.writeBigUInt64BE(fields.length, 24);
    else bytes.writeUInt32BE(Number(fields.length), 24);
    return bytes;
  }
}

export function option(number: number, data: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(16 + data.length);
  bytes.writeBigUInt64BE(OPTION_MAGIC, 0);
  bytes.writeUInt32BE(number, 8);
  bytes.writeUInt32BE(data.length, 12);
  data.copy(bytes, 16);
  return bytes;
}

/** The data of INFO and GO. */
export function infoRequest(name: string, infos: readonly number[]): Buffer {
  const nameBytes = Buffer.from(name);
  const bytes = Buffer.allocUnsafe(6 + nameBytes.length + 2 * infos.length);
  bytes.writeUInt32BE(nameBytes.length, 0);
  nameBytes.copy(bytes, 4);
  bytes.writeUInt16BE(infos.length, 4 + nameBytes.length);
  for (const [index, info] of infos.entries()) bytes.writeUInt16BE(info, 6 + nameBytes.length + 2 * index);
  return bytes;
}

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export function metaQuery(name: string, queries: readonly string[]): Buffer {
  return Buffer.concat([lengthAnd(name), uint32(queries.length), ...queries.map(lengthAnd)]);
}

function lengthAnd(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Long enough that two of them seldom begin alike. */
const POOL = Buffer.alloc(64 * 1024);
const poolRandom = Random.of(0, 'pool');
for (let at = 0; at < POOL.length; at++) POOL.writeUInt8(poolRandom.below(256), at);

/** A view of bytes that are the same in every process. */
function randomBytes(random: Random, count: number): Buffer {
  const at = random.below(POOL.length - count);
  return POOL.subarray(at, at + count);
}
