/**
 * What a link has to send, put together to be written at once: headers and short payloads one behind the other in one
 * buffer, which is cheaper than an entry of a writev for each, and long payloads uncopied between its pieces.
 */
import type { Socket } from 'node:net';

const BATCH_BYTES = 128 * 1024;
/** A longer payload is not copied. */
const COPIED_BYTES = 8 * 1024;

interface Piece {
  readonly bytes: Uint8Array;
  readonly sent: (() => void) | undefined;
}

export class Outbox {
  readonly #socket: Socket;
  #batch: Buffer = Buffer.allocUnsafeSlow(BATCH_BYTES);
  /** What is in the batch and in no piece yet. */
  #start = 0;
  #end = 0;
  #pieces: Piece[] = [];
  #pieceBytes = 0;
  #takenBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Since the beginning. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Here, or in the socket. */
  get unsentBytes(): number {
    return this.#end - this.#start + this.#pieceBytes + this.#socket.writableLength;
  }

  /** `sent`: called once the kernel has the payload, or never will. */
  add(header: Buffer, payload?: Uint8Array, sent?: () => void): void {
    this.#takenBytes += header.length + (payload?.length ?? 0);
    this.#copy(header);
    if (payload === undefined) return;
    if (payload.length <= COPIED_BYTES) {
      this.#copy(payload);
      sent?.();
      return;
    }
    this.#cut();
    this.#push(payload, sent);
  }

  flush(): void {
    this.#cut();
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#pieceBytes = 0;
    const socket = this.#socket;
    if (socket.destroyed) {
      for (const { sent } of pieces) sent?.();
      return;
    }
    if (pieces.length > 1) socket.cork();
    for (const { bytes, sent } of pieces) socket.write(bytes, sent);
    if (pieces.length > 1) socket.uncork();
    // What the socket could not send at once, it still reads: the batch goes on behind it.
    if (socket.writableLength > 0) return;
    this.#start = 0;
    this.#end = 0;
  }

  #copy(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#batch.length) {
      this.#cut();
      this.#batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
      this.#start = 0;
      this.#end = 0;
    }
    this.#batch.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #cut(): void {
    if (this.#end === this.#start) return;
    this.#push(this.#batch.subarray(this.#start, this.#end), undefined);
    this.#start = this.#end;
  }

  #push(bytes: Uint8Array, sent: (() => void) | undefined): void {
    this.#pieces.push({ bytes, sent });
    this.#pieceBytes += bytes.length;
  }
}
