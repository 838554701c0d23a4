/** A replication link over a socket: frames out as one write for each turn of the loop, frames in as they come. */
import type { Socket } from 'node:net';
import { directSocket } from '../sys/direct-socket.ts';
import { assert } from '../sys/errors.ts';
import { ReceiveBuffer } from '../sys/receive-buffer.ts';
import { SLAB_BYTES, SlabPool } from '../sys/slabs.ts';
import type { Message } from '../replication/messages.ts';
import { type DecodedFrame, encodeHeader, FrameDecoder } from './codec.ts';
import { Outbox } from './outbox.ts';

export interface LinkEvents {
  onFrame(frame: DecodedFrame): void;
  /** After the last frame of a chunk: answers to what arrived together can leave together. */
  onChunkEnd(): void;
  /** False: no view of a payload that was handed over is held any more. Absent: who knows. */
  keepsPayloads?(): boolean;
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

/** A longer frame gets a buffer of its own; of the others several fit into what a socket is read into. */
const WHOLE_FRAME_BYTES = SLAB_BYTES / 2;

/** Of all links of this process. */
const slabs = new SlabPool();

interface LinkOptions {
  readonly lingerMs?: number;
  /** The socket is read straight into it; else the link reads the socket as a stream. */
  readonly received?: ReceiveBuffer;
}

export class Link {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder({ wholeBytes: WHOLE_FRAME_BYTES });
  readonly #received: ReceiveBuffer;
  readonly #outbox: Outbox;
  #events: LinkEvents | undefined;
  readonly #lingerMs: number;
  #isScheduled = false;
  #closed = false;
  #hadPayload = false;
  readonly #take = (frame: DecodedFrame): void => {
    if (frame.payload !== undefined) this.#hadPayload = true;
    this.#events?.onFrame(frame);
  };
  readonly #flushScheduled = (): void => {
    this.#isScheduled = false;
    this.#outbox.flush();
  };

  constructor(socket: Socket, options: LinkOptions = {}) {
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#lingerMs = options.lingerMs ?? LINGER_MS;
    this.#received = options.received ?? receiveBuffer();
    this.#received.onBytes = () => {
      this.#receive();
    };
    socket.setNoDelay(true);
    if (options.received === undefined)
      socket.on('data', (chunk: Buffer) => {
        this.#received.put(chunk);
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
    return !this.#closed && this.#outbox.unsentBytes > CONGESTED_BYTES;
  }

  /** The kernel has all that was sent, or will never have it: nobody reads a payload any more. */
  get isSent(): boolean {
    return this.#socket.destroyed || this.#outbox.unsentBytes === 0;
  }

  /** Calls back once, when a congested link has sent what it had, or is gone. */
  onceSent(then: () => void): void {
    const once = (): void => {
      this.#socket.off('drain', once).off('close', once);
      then();
    };
    this.#socket.on('drain', once).on('close', once);
  }

  /** To be sent, since the link stands. */
  get takenBytes(): number {
    return this.#outbox.takenBytes;
  }

  /** The kernel has the first `takenBytes` of them, or never will. */
  hasSent(takenBytes: number): boolean {
    return this.isSent || this.#outbox.takenBytes - this.#outbox.unsentBytes >= takenBytes;
  }

  /** `sent`: called once the kernel has the payload, or never will. */
  send(message: Message, payload?: Uint8Array, sent?: () => void): void {
    if (this.#closed) return;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(this.#flushScheduled);
    }
    this.#outbox.add(encodeHeader(message, payload), payload, sent);
    if (this.#outbox.unsentBytes > MAX_UNSENT_BYTES) this.#close('the peer does not read');
  }

  /** What was sent still goes out; nothing that comes in is heard any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events = undefined;
    this.#outbox.flush();
    this.#socket.destroySoon();
    const timer = setTimeout(() => this.#socket.destroy(), this.#lingerMs).unref();
    this.#socket.once('close', () => {
      clearTimeout(timer);
    });
  }

  #receive(): void {
    const chunk = this.#received.unread;
    if (this.#closed) {
      this.#received.consumed(chunk.length);
      return;
    }
    const sound = this.#decoder.push(chunk, this.#take);
    const { unreadBytes, wantedBytes } = this.#decoder;
    this.#received.consumed(chunk.length - unreadBytes, wantedBytes);
    this.#events?.onChunkEnd();
    if (this.#hadPayload && (this.#events?.keepsPayloads?.() ?? true)) this.#received.slab.spoil();
    this.#hadPayload = false;
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

/** For a socket that a link is going to be made of. */
export function receiveBuffer(): ReceiveBuffer {
  return new ReceiveBuffer(slabs);
}

/** Dials and answers the link when it stands. */
export function dial(
  address: { readonly host: string; readonly port: number; readonly localAddress: string },
  timeoutMs: number,
): Promise<Link> {
  return new Promise((resolve, reject) => {
    const received = receiveBuffer();
    const socket = directSocket(received);
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
      resolve(new Link(socket, { received }));
    });
  });
}
