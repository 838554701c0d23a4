/**
 * A socket without a system below it: what the server writes stays here until the session takes it, and nothing is
 * delivered while the server has paused. As of a real one, `close` comes in a later step than what caused it.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

const HIGH_WATER_MARK_BYTES = 16 * 1024;

export class MemorySocket extends EventEmitter {
  readonly writableHighWaterMark = HIGH_WATER_MARK_BYTES;
  writableLength = 0;
  bytesWritten = 0;
  bytesRead = 0;
  destroyed = false;
  closed = false;
  isPaused = false;
  /** All that the server ever wrote. */
  readonly #written: Buffer[] = [];
  readonly #takesAtOnce: boolean;
  #needsDrain = false;
  #endsWhenDrained = false;

  /** `takesAtOnce`: nothing that was written has to wait. */
  constructor(options: { readonly takesAtOnce: boolean }) {
    super();
    this.#takesAtOnce = options.takesAtOnce;
  }

  /** As what the server takes it for: it uses nothing of a socket that is not here. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  written(): Buffer {
    return Buffer.concat(this.#written);
  }

  deliver(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    this.emit('data', chunk);
  }

  /** The other side has taken all that was written. */
  drain(): void {
    this.bytesWritten += this.writableLength;
    this.writableLength = 0;
    if (this.#endsWhenDrained) this.destroy();
    if (!this.#needsDrain || this.destroyed) return;
    this.#needsDrain = false;
    this.emit('drain');
  }

  /** What a destroyed socket does a moment later. */
  settle(): void {
    if (!this.destroyed || this.closed) return;
    this.closed = true;
    this.emit('close');
  }

  write(bytes: Buffer): boolean {
    if (this.destroyed || this.#endsWhenDrained) return false;
    // A copy, as the system makes one: nobody may change what was said.
    this.#written.push(Buffer.from(bytes));
    if (this.#takesAtOnce) {
      this.bytesWritten += bytes.length;
      return true;
    }
    this.writableLength += bytes.length;
    this.#needsDrain ||= this.writableLength >= this.writableHighWaterMark;
    return !this.#needsDrain;
  }

  cork(): void {
    // Pieces may be told apart here.
  }

  uncork(): void {
    // As above.
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  destroy(): void {
    this.destroyed = true;
    this.writableLength = 0;
  }

  destroySoon(): void {
    if (this.writableLength === 0) this.destroy();
    else this.#endsWhenDrained = true;
  }
}
