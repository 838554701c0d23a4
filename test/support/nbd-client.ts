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
export const WRITE_ZEROES = 6;

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

export interface SimpleReply {
  readonly error: number;
  readonly cookie: bigint;
}

export class RawClient {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  #length = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(where: { readonly port: number } | { readonly path: string }) {
    this.socket = connect('port' in where ? { host: '127.0.0.1', port: where.port } : { path: where.path });
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
    await this.read(18);
    this.send(Buffer.concat([Buffer.from([0, 0, 0, 3]), optionBytes(7, infoData(name, []))]));
    const replies = await this.read(20 + 12 + 20);
    if (replies.readUInt32BE(32 + 12) !== 1) throw new Error(`refused: ${replies.toString('hex')}`);
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
