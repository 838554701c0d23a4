/**
 * An NBD client that says exactly the bytes it is told to. Written from the protocol text, not with the product's
 * codec, so that both would have to be wrong in the same way.
 */
import { connect, type Socket } from 'node:net';

export const READ = 0;
export const WRITE = 1;
export const DISC = 2;
export const FLUSH = 3;
export const TRIM = 4;
export const CACHE = 5;
export const WRITE_ZEROES = 6;
export const BLOCK_STATUS = 7;

export const STARTTLS = 5;
export const STRUCTURED_REPLY = 8;
export const SET_META_CONTEXT = 10;
export const EXTENDED_HEADERS = 11;

export interface RequestFields {
  readonly command: number;
  readonly flags?: number;
  readonly cookie?: bigint;
  readonly offset?: bigint;
  readonly length?: number;
  readonly payload?: Buffer;
  readonly magic?: number;
}

export function requestBytes(fields: RequestFields): Buffer {
  const header = Buffer.alloc(28);
  header.writeUInt32BE(fields.magic ?? 0x25609513, 0);
  header.writeUInt16BE(fields.flags ?? 0, 4);
  header.writeUInt16BE(fields.command, 6);
  header.writeBigUInt64BE(fields.cookie ?? 0n, 8);
  header.writeBigUInt64BE(fields.offset ?? 0n, 16);
  header.writeUInt32BE(fields.length ?? fields.payload?.length ?? 0, 24);
  return fields.payload === undefined ? header : Buffer.concat([header, fields.payload]);
}

export interface ExtendedFields extends Omit<RequestFields, 'length'> {
  readonly length?: bigint;
}

export function extendedBytes(fields: ExtendedFields): Buffer {
  const header = Buffer.alloc(32);
  header.writeUInt32BE(fields.magic ?? 0x21e41c71, 0);
  header.writeUInt16BE(fields.flags ?? 0, 4);
  header.writeUInt16BE(fields.command, 6);
  header.writeBigUInt64BE(fields.cookie ?? 0n, 8);
  header.writeBigUInt64BE(fields.offset ?? 0n, 16);
  header.writeBigUInt64BE(fields.length ?? BigInt(fields.payload?.length ?? 0), 24);
  return fields.payload === undefined ? header : Buffer.concat([header, fields.payload]);
}

export function optionBytes(option: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.write('IHAVEOPT', 0, 'latin1');
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}

/** The data of INFO and GO. */
export function infoData(name: string, infos: readonly number[]): Buffer {
  const nameBytes = Buffer.from(name);
  const bytes = Buffer.alloc(6 + nameBytes.length + 2 * infos.length);
  bytes.writeUInt32BE(nameBytes.length, 0);
  nameBytes.copy(bytes, 4);
  bytes.writeUInt16BE(infos.length, 4 + nameBytes.length);
  for (const [index, info] of infos.entries()) bytes.writeUInt16BE(info, 6 + nameBytes.length + 2 * index);
  return bytes;
}

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export function metaData(name: string, queries: readonly string[]): Buffer {
  const string = (text: string): Buffer => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const count = Buffer.alloc(4);
  count.writeUInt32BE(queries.length);
  return Buffer.concat([string(name), count, ...queries.map(string)]);
}

export interface OptionReply {
  readonly option: number;
  readonly type: number;
  readonly data: Buffer;
}

/** A chunk of a reply. A simple reply is one too, of the type 'simple' and with the error as its payload. */
export interface ReplyChunk {
  readonly type: number | 'simple';
  readonly done: boolean;
  readonly cookie: bigint;
  /** Of an extended one, as it was sent. */
  readonly offset?: bigint;
  readonly payload: Buffer;
}

export const FLAGS_BYTES = Buffer.from([0, 0, 0, 3]);
const REPLY_ACK = 1;

export interface SimpleReply {
  readonly error: number;
  readonly cookie: bigint;
}

export class RawClient {
  socket: Socket;
  #chunks: Buffer[] = [];
  #length = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(where: { readonly port: number } | { readonly path: string }) {
    this.socket = connect('port' in where ? { host: '127.0.0.1', port: where.port } : { path: where.path });
    this.#listen();
  }

  /** What TLS needs: nothing here reads the socket any more. The result is what is spoken through from here on. */
  upgrade(wrap: (plain: Socket) => Socket): void {
    this.socket.removeAllListeners('data').removeAllListeners('close');
    this.socket = wrap(this.socket);
    this.#listen();
  }

  #listen(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Exactly so many bytes; fails when the server closes before. */
  async read(count: number): Promise<Buffer> {
    while (this.#length < count) {
      if (this.#ended) throw new Error(`closed after ${String(this.#length)} of ${String(count)} bytes`);
      await this.#change();
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(count)];
    this.#length -= count;
    return all.subarray(0, count);
  }

  async reply(): Promise<SimpleReply> {
    const bytes = await this.read(16);
    if (bytes.readUInt32BE(0) !== 0x67446698) throw new Error(`not a reply: ${bytes.toString('hex')}`);
    return { error: bytes.readUInt32BE(4), cookie: bytes.readBigUInt64BE(8) };
  }

  /** Resolves when the server has closed, with what it said that nobody read. */
  async closed(): Promise<Buffer> {
    while (!this.#ended) await this.#change();
    return Buffer.concat(this.#chunks);
  }

  /** The handshake up to the transmission phase. */
  async go(name: string): Promise<void> {
    await this.greet();
    await this.goOn(name);
  }

  /** Up to the first option. */
  async greet(): Promise<void> {
    await this.read(18);
    this.send(FLAGS_BYTES);
  }

  /** Behind other options. Answers the transmission flags. */
  async goOn(name: string): Promise<number> {
    const replies = await this.option(7, infoData(name, []));
    const info = replies.find(({ type }) => type === 3);
    if (info === undefined) throw new Error(`refused: ${JSON.stringify(replies)}`);
    return info.data.readUInt16BE(10);
  }

  /** All that is said to one option: the last is the acknowledgement or an error. */
  async option(option: number, data?: Buffer): Promise<OptionReply[]> {
    this.send(optionBytes(option, data));
    const replies: OptionReply[] = [];
    for (;;) {
      const header = await this.read(20);
      if (header.readBigUInt64BE() !== 0x3e889045565a9n)
        throw new Error(`no reply: ${header.toString('hex')}`);
      const type = header.readUInt32BE(12);
      replies.push({ option: header.readUInt32BE(8), type, data: await this.read(header.readUInt32BE(16)) });
      if (type === REPLY_ACK || type >= 0x80000000) return replies;
    }
  }

  /** Of structured or extended replies, with simple ones between them. */
  async chunk(): Promise<ReplyChunk> {
    const head = await this.read(16);
    const magic = head.readUInt32BE(0);
    const cookie = head.readBigUInt64BE(8);
    const [type, done] = [head.readUInt16BE(6), (head.readUInt16BE(4) & 1) === 1];
    if (magic === 0x67446698) return { type: 'simple', done: true, cookie, payload: head.subarray(4, 8) };
    if (magic === 0x668e33ef) {
      const length = (await this.read(4)).readUInt32BE();
      return { type, done, cookie, payload: await this.read(length) };
    }
    if (magic !== 0x6e8a278c) throw new Error(`not a chunk: ${head.toString('hex')}`);
    const more = await this.read(16);
    const payload = await this.read(Number(more.readBigUInt64BE(8)));
    return { type, done, cookie, offset: more.readBigUInt64BE(0), payload };
  }

  /** All chunks of the next reply. */
  async chunks(): Promise<ReplyChunk[]> {
    const chunks: ReplyChunk[] = [];
    do chunks.push(await this.chunk());
    while (chunks.at(-1)?.done === false);
    return chunks;
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
