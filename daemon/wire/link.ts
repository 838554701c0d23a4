/** A replication link over a socket: frames out corked by turn of the loop, frames in as they come. */
import { Socket } from 'node:net';
import { assert } from '../sys/errors.ts';
import type { Message } from '../replication/messages.ts';
import { type DecodedFrame, encodeHeader, FrameDecoder } from './codec.ts';

export interface LinkEvents {
  onFrame(frame: DecodedFrame): void;
  /** After the last frame of a chunk: answers to what arrived together can leave together. */
  onChunkEnd(): void;
  /** Exactly once, for whatever reason. */
  onClose(reason: string): void;
}

/**
 * What may wait to be sent before the link counts as stuck and is cut. The primary's own bounds (unanswered writes of
 * the NBD connections, the catch-up window) stay well below it.
 */
const MAX_UNSENT_BYTES = 256 * 1024 * 1024;

/** Above it, what can wait is to be sent later: regions that a peer asked for all at once may be more than the above. */
const CONGESTED_BYTES = 4 * 1024 * 1024;

/** What was sent before a close may take this long to go out; a peer that does not read must not keep the socket. */
const LINGER_MS = 5000;

export class Link {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  #events: LinkEvents | undefined;
  readonly #lingerMs: number;
  #corked = false;
  #closed = false;

  constructor(socket: Socket, options: { readonly lingerMs: number } = { lingerMs: LINGER_MS }) {
    this.#socket = socket;
    this.#lingerMs = options.lingerMs;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.on('error', (error) => {
      this.#close(error.message);
    });
    socket.on('close', () => {
      this.#close('closed by the peer');
    });
    socket.pause();
  }

  /** Nothing is read before there is somebody to read it. */
  start(events: LinkEvents): void {
    assert(this.#events === undefined, 'a link is started once');
    this.#events = events;
    this.#socket.resume();
  }

  /** Another takes over, between two frames: the accepting side learns from the first who that is. */
  handOver(events: LinkEvents): void {
    this.#events = events;
  }

  get isCongested(): boolean {
    return !this.#closed && this.#socket.writableLength > CONGESTED_BYTES;
  }

  /** Calls back once, when a congested link has sent what it had, or is gone. */
  onceSent(then: () => void): void {
    const once = (): void => {
      this.#socket.off('drain', once).off('close', once);
      then();
    };
    this.#socket.on('drain', once).on('close', once);
  }

  /** `sent`: called once the kernel has the payload, or never will. */
  send(message: Message, payload?: Uint8Array, sent?: () => void): void {
    if (this.#closed) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(encodeHeader(message, payload));
    if (payload !== undefined) this.#socket.write(payload, () => sent?.());
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.#close('the peer does not read');
  }

  /** What was sent still goes out; nothing that comes in is heard any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events = undefined;
    this.#socket.destroySoon();
    const timer = setTimeout(() => this.#socket.destroy(), this.#lingerMs).unref();
    this.#socket.once('close', () => {
      clearTimeout(timer);
    });
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    const sound = this.#decoder.push(chunk, (frame) => {
      this.#events?.onFrame(frame);
    });
    this.#events?.onChunkEnd();
    if (!sound) this.#close(`refused: ${this.#decoder.refusal ?? ''}`);
  }

  #close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    const events = this.#events;
    this.#events = undefined;
    events?.onClose(reason);
  }
}

/** Dials and answers the link when it stands. */
export function dial(
  address: { readonly host: string; readonly port: number; readonly localAddress: string },
  timeoutMs: number,
): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no answer from ${address.host}:${String(address.port)}`));
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.connect({ ...address }, () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(new Link(socket));
    });
  });
}
