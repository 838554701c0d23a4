/** An NBD client that writes, discards and flushes, many requests at a time. From the protocol text; nothing is read. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const GREETING_BYTES = 18;
const CLIENT_FLAGS = 3;
const OPTION_EXPORT_NAME = 1;
/** Size and flags: what answers EXPORT_NAME where no zeroes were agreed upon. */
const EXPORT_BYTES = 10;
const REQUEST_BYTES = 28;
const REQUEST_MAGIC = 0x25609513;
const REPLY_BYTES = 16;
const REPLY_MAGIC = 0x67446698;
const COMMAND = { write: 1, disconnect: 2, flush: 3, trim: 4 } as const;

export class NbdWriter {
  readonly #socket: Socket;
  readonly #waiting = new Map<bigint, PromiseWithResolvers<void>>();
  #rest: Buffer = Buffer.alloc(0);
  #lastCookie = 0n;

  static async open(path: string, exportName: string): Promise<NbdWriter> {
    const socket = connect({ path });
    await once(socket, 'connect');
    await exactly(socket, GREETING_BYTES);
    const name = Buffer.from(exportName);
    const option = Buffer.alloc(20);
    option.writeUInt32BE(CLIENT_FLAGS, 0);
    option.write('IHAVEOPT', 4, 'latin1');
    option.writeUInt32BE(OPTION_EXPORT_NAME, 12);
    option.writeUInt32BE(name.length, 16);
    socket.write(Buffer.concat([option, name]));
    await exactly(socket, EXPORT_BYTES);
    return new NbdWriter(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#fail(new Error('the server closed the connection'));
    });
  }

  /** Resolves when it is acknowledged. */
  write(offset: number, data: Buffer): Promise<void> {
    return this.#ask(COMMAND.write, offset, data.length, data);
  }

  /** Fewer than 4 GiB. */
  trim(offset: number, length: number): Promise<void> {
    return this.#ask(COMMAND.trim, offset, length);
  }

  flush(): Promise<void> {
    return this.#ask(COMMAND.flush, 0, 0);
  }

  async close(): Promise<void> {
    void this.#ask(COMMAND.disconnect, 0, 0).catch(() => undefined);
    await once(this.#socket, 'close');
  }

  #ask(command: number, offset: number, length: number, data?: Buffer): Promise<void> {
    const cookie = ++this.#lastCookie;
    const header = Buffer.alloc(REQUEST_BYTES);
    header.writeUInt32BE(REQUEST_MAGIC, 0);
    header.writeUInt16BE(command, 6);
    header.writeBigUInt64BE(cookie, 8);
    header.writeBigUInt64BE(BigInt(offset), 16);
    header.writeUInt32BE(length, 24);
    const waiting = Promise.withResolvers<void>();
    this.#waiting.set(cookie, waiting);
    this.#socket.write(data === undefined ? header : Buffer.concat([header, data]));
    return waiting.promise;
  }

  #receive(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (; this.#rest.length - at >= REPLY_BYTES; at += REPLY_BYTES) {
      if (this.#rest.readUInt32BE(at) !== REPLY_MAGIC) throw new Error('the server sent what is no reply');
      const error = this.#rest.readUInt32BE(at + 4);
      const cookie = this.#rest.readBigUInt64BE(at + 8);
      const waiting = this.#waiting.get(cookie);
      this.#waiting.delete(cookie);
      if (error === 0) waiting?.resolve();
      else waiting?.reject(new Error(`the server answered with errno ${String(error)}`));
    }
    this.#rest = this.#rest.subarray(at);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** What comes next; a server says nothing more before it is asked, and hangs up on who asks for what it does not serve. */
async function exactly(socket: Socket, bytes: number): Promise<void> {
  const ended = new AbortController();
  const end = (): void => {
    ended.abort(new Error('the server hung up: it does not serve the export'));
  };
  socket.once('close', end);
  try {
    let missing = bytes;
    while (missing > 0) {
      const [chunk] = (await once(socket, 'data', { signal: ended.signal })) as [Buffer];
      missing -= chunk.length;
    }
    if (missing < 0) throw new Error('the server said more than it was asked');
  } finally {
    socket.removeListener('close', end);
  }
}
