/** One NBD connection with many requests under way. From the protocol text, not with the product's codec. */
import { connect, type Socket } from 'node:net';
import { infoData, optionBytes, READ, requestBytes, type RequestFields } from '../support/nbd-client.ts';

export interface NbdReply {
  /** 0: it was done. */
  readonly error: number;
  /** Of a read that was done. */
  readonly data: Buffer;
}

export interface Dialled {
  readonly host: string;
  readonly port: number;
  readonly exportName: string;
  readonly timeoutMs: number;
}

interface Waiting {
  /** Of a read: what comes behind the reply if it was done. */
  readonly dataBytes: number;
  /** Undefined: the connection ended before. */
  readonly answered: (reply: NbdReply | undefined) => void;
}

const OPTION_GO = 7;
const REPLY_ACK = 1;
const REPLY_INFO = 3;
const INFO_DESCRIPTION = 2;
const GREETING_BYTES = 18;
const OPTION_REPLY_BYTES = 20;
const REPLY_BYTES = 16;
const REPLY_MAGIC = 0x67446698;
const NO_DATA = Buffer.alloc(0);

export class NbdConnection {
  readonly #socket: Socket;
  readonly #waiting = new Map<bigint, Waiting>();
  #bytes: Buffer = NO_DATA;
  #lastCookie = 0n;
  #isOpen = true;
  /** Of the volume, when the server took the connection. */
  readonly generation: number;

  /** Throws where nobody serves the export. */
  static async open(dialled: Dialled): Promise<NbdConnection> {
    const socket = connect({ host: dialled.host, port: dialled.port, noDelay: true });
    const timer = setTimeout(
      () => socket.destroy(new Error('no answer to the handshake')),
      dialled.timeoutMs,
    );
    try {
      const { description, rest } = await handshake(socket, dialled.exportName);
      return new NbdConnection(socket, Number(/^generation (\d+)$/.exec(description)?.[1]), rest);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(socket: Socket, generation: number, rest: Buffer) {
    this.#socket = socket;
    this.generation = generation;
    for (const event of ['data', 'error', 'close']) socket.removeAllListeners(event);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => this.#closed());
    this.#receive(rest);
    socket.resume();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get unanswered(): number {
    return this.#waiting.size;
  }

  /** Answers undefined when the connection ends first: then nobody knows what became of it. */
  request(fields: RequestFields): Promise<NbdReply | undefined> {
    if (!this.#isOpen) return Promise.resolve(undefined);
    const cookie = ++this.#lastCookie;
    const { promise, resolve } = Promise.withResolvers<NbdReply | undefined>();
    const dataBytes = fields.command === READ ? (fields.length ?? 0) : 0;
    this.#waiting.set(cookie, { dataBytes, answered: resolve });
    this.#socket.write(requestBytes({ ...fields, cookie }));
    return promise;
  }

  destroy(): void {
    this.#socket.destroy();
    this.#closed();
  }

  #receive(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= REPLY_BYTES) {
      if (this.#bytes.readUInt32BE(0) !== REPLY_MAGIC) throw new Error('the server sent what is no reply');
      const error = this.#bytes.readUInt32BE(4);
      const cookie = this.#bytes.readBigUInt64BE(8);
      const waiting = this.#waiting.get(cookie);
      if (waiting === undefined) throw new Error('the server answered what it was not asked');
      const end = REPLY_BYTES + (error === 0 ? waiting.dataBytes : 0);
      if (this.#bytes.length < end) return;
      this.#waiting.delete(cookie);
      const data = this.#bytes.subarray(REPLY_BYTES, end);
      this.#bytes = this.#bytes.subarray(end);
      waiting.answered({ error, data });
    }
  }

  #closed(): void {
    this.#isOpen = false;
    for (const { answered } of this.#waiting.values()) answered(undefined);
    this.#waiting.clear();
  }
}

interface Served {
  readonly description: string;
  /** What came behind the handshake. */
  readonly rest: Buffer;
}

function handshake(socket: Socket, exportName: string): Promise<Served> {
  const { promise, resolve, reject } = Promise.withResolvers<Served>();
  let bytes: Buffer = NO_DATA;
  let greeted = false;
  let description = '';
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('closed in the handshake')));
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (!greeted) {
      if (bytes.length < GREETING_BYTES) return;
      greeted = true;
      bytes = bytes.subarray(GREETING_BYTES);
      const go = optionBytes(OPTION_GO, infoData(exportName, [INFO_DESCRIPTION]));
      socket.write(Buffer.concat([Buffer.from([0, 0, 0, 3]), go]));
    }
    while (bytes.length >= OPTION_REPLY_BYTES) {
      const type = bytes.readUInt32BE(12);
      const end = OPTION_REPLY_BYTES + bytes.readUInt32BE(16);
      if (bytes.length < end) return;
      const data = bytes.subarray(OPTION_REPLY_BYTES, end);
      bytes = bytes.subarray(end);
      if (type === REPLY_INFO) {
        if (data.readUInt16BE() === INFO_DESCRIPTION) description = data.toString('utf8', 2);
        continue;
      }
      socket.pause();
      if (type === REPLY_ACK) resolve({ description, rest: bytes });
      else reject(new Error(data.toString()));
      return;
    }
  });
  return promise;
}
