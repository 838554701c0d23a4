/** An NBD client that asks for so many requests at a time and waits for the answers to all. From the protocol text. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type RequestKind = 'read' | 'write';

export const BLOCK_BYTES = 4096;
/** So that all of them are in one chunk of the server's socket. */
export const BATCH = 8;

const GREETING_BYTES = 18;
const CLIENT_FLAGS = 3;
const OPTION_EXPORT_NAME = 1;
/** Size and flags: what answers EXPORT_NAME where no zeroes were agreed upon. */
const EXPORT_BYTES = 10;
const ANSWER_MS = 10_000;
const REQUEST_BYTES = 28;
const REQUEST_MAGIC = 0x25609513;
const REPLY_BYTES = 16;
const REPLY_MAGIC = 0x67446698;
const COMMAND = { read: 0, write: 1 } as const;

export class RequestBatches {
  readonly #socket: Socket;
  readonly #ended: Promise<never>;
  readonly #blocks: number;
  #next = 0;

  static async open(path: string, exportName: string, sizeBytes: number): Promise<RequestBatches> {
    const socket = connect({ path });
    await once(socket, 'connect');
    const client = new RequestBatches(socket, sizeBytes);
    await client.#receive(GREETING_BYTES);
    const option = Buffer.alloc(20);
    option.writeUInt32BE(CLIENT_FLAGS, 0);
    option.write('IHAVEOPT', 4, 'latin1');
    option.writeUInt32BE(OPTION_EXPORT_NAME, 12);
    option.writeUInt32BE(exportName.length, 16);
    socket.write(Buffer.concat([option, Buffer.from(exportName)]));
    await client.#receive(EXPORT_BYTES);
    return client;
  }

  private constructor(socket: Socket, sizeBytes: number) {
    this.#socket = socket;
    this.#blocks = sizeBytes / BLOCK_BYTES;
    this.#ended = once(socket, 'close').then(() => {
      throw new Error('the server closed the connection');
    });
    this.#ended.catch(() => undefined);
  }

  /** All over the volume, always at the same places. Rejects where one is answered with an error. */
  async run(kind: RequestKind, batches: number): Promise<void> {
    const answerBytes = REPLY_BYTES + (kind === 'read' ? BLOCK_BYTES : 0);
    for (let batch = 0; batch < batches; batch++) {
      this.#socket.write(Buffer.concat(Array.from({ length: BATCH }, () => this.#request(kind))));
      const answers = await this.#receive(BATCH * answerBytes);
      for (let at = 0; at < answers.length; at += answerBytes)
        if (answers.readUInt32BE(at) !== REPLY_MAGIC || answers.readUInt32BE(at + 4) !== 0)
          throw new Error(`a ${kind} was answered with errno ${String(answers.readUInt32BE(at + 4))}`);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #request(kind: RequestKind): Buffer {
    const request = Buffer.alloc(REQUEST_BYTES + (kind === 'write' ? BLOCK_BYTES : 0), this.#next % 251);
    request.writeUInt32BE(REQUEST_MAGIC, 0);
    request.writeUInt16BE(0, 4);
    request.writeUInt16BE(COMMAND[kind], 6);
    request.writeBigUInt64BE(BigInt(++this.#next), 8);
    // A prime, so that neighbours are far apart and all blocks have their turn.
    const block = (this.#next * 7919) % this.#blocks;
    request.writeBigUInt64BE(BigInt(block * BLOCK_BYTES), 16);
    request.writeUInt32BE(BLOCK_BYTES, 24);
    return request;
  }

  /** The server says nothing more before it is asked. An error is a shorter answer: the rest never comes. */
  async #receive(bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const signal = AbortSignal.timeout(ANSWER_MS);
    for (let missing = bytes; missing > 0;) {
      const [chunk] = (await Promise.race([once(this.#socket, 'data', { signal }), this.#ended])) as [Buffer];
      chunks.push(chunk);
      missing -= chunk.length;
    }
    return Buffer.concat(chunks);
  }
}
