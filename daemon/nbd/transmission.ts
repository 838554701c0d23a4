/**
 * The transmission phase of one connection: requests in, answers out, in whatever order the backend gives them.
 *
 *   serving --DISC, or the server closes--> finishing --everything answered and sent--> closed
 *   serving, finishing --socket gone, revoked, protocol broken--> closed
 *
 * Bounds: what is submitted and unanswered, and what is answered and unsent, are counted. Above a limit the decoder is
 * not asked further, even in the middle of a chunk (64 KiB of READ headers can ask for 70 GiB), and the socket is
 * paused, so that the client's own socket fills up and it waits.
 */
import type { Socket } from 'node:net';
import { assert } from '../sys/errors.ts';
import type { BlockBackend, BlockRequest, BlockResult } from './block.ts';
import { encodeReplies, type NbdRequest, type Reply, RequestDecoder } from './codec.ts';
import { BLOCK_SIZE, COMMAND, ERROR } from './constants.ts';
import { reportRequest, requestsAreObserved } from './diagnostics.ts';
import { errorNumberOf } from './errno.ts';
import { COPIED_PAYLOAD_BYTES, type NbdLimits } from './limits.ts';
import { blockRequestOf, type RequestRefusal, validate } from './validate.ts';

/** A request from its submission to its reply; it is handed to the encoder as the reply itself. */
interface Transaction extends Reply {
  readonly kind: BlockRequest['kind'];
  readonly length: number;
  /** What it counts in `inFlightBytes`. */
  readonly payloadBytes: number;
  /** 0 while nobody observes. */
  readonly startedAtMs: number;
  answered: boolean;
  error: number;
  data: Buffer | undefined;
}

export interface TransmissionOptions {
  readonly socket: Socket;
  readonly backend: BlockBackend;
  readonly limits: NbdLimits;
  /** The client broke the protocol: the connection has to be destroyed. */
  readonly hangUp: (reason: string) => void;
  /** Called for the first refused request only: a client that goes on so shall not fill the log. */
  readonly onFirstRefusal: (refusal: RequestRefusal) => void;
}

export class Transmission {
  readonly #options: TransmissionOptions;
  readonly #socket: Socket;
  readonly #backend: BlockBackend;
  readonly #sizeBytes: number;
  readonly #decoder = new RequestDecoder({ maximumPayloadBytes: BLOCK_SIZE.MAXIMUM_PAYLOAD_BYTES });
  #phase: 'serving' | 'finishing' | 'closed' = 'serving';
  #inFlightRequests = 0;
  #inFlightBytes = 0;
  /** Answered and not yet given to the socket. */
  #unsent: Reply[] = [];
  #unsentBytes = 0;
  #pumping = false;
  #flushScheduled = false;
  #paused = false;
  #refusalSeen = false;
  readonly #flushScheduledNow = (): void => {
    this.#flushScheduled = false;
    this.#flush();
    if (this.#paused && this.#phase === 'serving' && !this.#isSaturated()) this.#pump();
  };

  constructor(options: TransmissionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#backend = options.backend;
    this.#sizeBytes = options.backend.sizeBytes;
    // Below the mark a socket does not tell when it has drained, and a paused connection would never go on.
    assert(
      options.limits.unsentBytes >= this.#socket.writableHighWaterMark,
      'unsentBytes is below what a socket buffers by itself',
    );
    assert(
      Number.isSafeInteger(this.#sizeBytes) && this.#sizeBytes >= 0,
      'an export has a size in whole bytes',
    );
  }

  get idle(): boolean {
    return this.#inFlightRequests === 0;
  }

  get finishing(): boolean {
    return this.#phase === 'finishing';
  }

  /** A chunk from the socket. */
  receive(chunk: Buffer): void {
    // The client must not send anything behind DISC; what it sends all the same is read and forgotten.
    if (this.#phase !== 'serving') return;
    this.#decoder.push(chunk);
    this.#pump();
  }

  /** The socket has sent everything that it was given. */
  drained(): void {
    if (this.#paused && this.#phase === 'serving') this.#pump();
  }

  /** Takes no further request; closes the socket once what is outstanding is answered and sent. */
  finish(): void {
    if (this.#phase !== 'serving') return;
    this.#phase = 'finishing';
    // Reading goes on (and forgets), since only a read tells that the client is gone.
    if (this.#paused) this.#resume();
    if (!this.#pumping) this.#flush();
  }

  /** The socket is gone: answers still to come are dropped here, and never reach another connection. */
  close(): void {
    this.#phase = 'closed';
    this.#unsent = [];
    this.#unsentBytes = 0;
  }

  /** Takes what is decodable up to the limits and sends the answers that came meanwhile as one. */
  #pump(): void {
    assert(!this.#pumping, 'a backend answered by feeding its own connection');
    this.#pumping = true;
    let saturated = false;
    while (this.#phase === 'serving') {
      if (this.#isSaturated()) {
        // Answers given at once count as unsent only until the socket has taken them.
        this.#flush();
        saturated = this.#isSaturated();
        if (saturated) break;
      }
      const request = this.#decoder.next();
      if (request === undefined) break;
      if (request.kind === 'refused') this.#options.hangUp(request.reason);
      else this.#take(request);
    }
    this.#pumping = false;
    this.#flush();
    if (saturated && !this.#paused) this.#pause();
    else if (!saturated && this.#paused) this.#resume();
  }

  #isSaturated(): boolean {
    const { limits } = this.#options;
    return (
      this.#inFlightBytes > limits.inFlightBytes ||
      this.#inFlightRequests >= limits.inFlightRequests ||
      this.#unsentBytes + this.#socket.writableLength > limits.unsentBytes
    );
  }

  #take(request: NbdRequest): void {
    if (request.command === COMMAND.DISC) {
      this.finish();
      return;
    }
    const refusal = validate(request, this.#sizeBytes);
    if (refusal !== undefined) {
      this.#refuse(request, refusal);
      return;
    }
    const blockRequest = blockRequestOf(request);
    if (blockRequest === undefined) this.#reply(request.cookieHigh, request.cookieLow, ERROR.NONE);
    else this.#submit(request, blockRequest);
  }

  #submit(request: NbdRequest, blockRequest: BlockRequest): void {
    const { kind } = blockRequest;
    const transaction: Transaction = {
      cookieHigh: request.cookieHigh,
      cookieLow: request.cookieLow,
      kind,
      length: request.length,
      payloadBytes: kind === 'read' || kind === 'write' ? request.length : 0,
      startedAtMs: requestsAreObserved() ? performance.now() : 0,
      answered: false,
      error: ERROR.NONE,
      data: undefined,
    };
    this.#inFlightRequests += 1;
    this.#inFlightBytes += transaction.payloadBytes;
    // One closure per request, and not a pooled one: answered twice, a pooled one would acknowledge somebody else's write.
    this.#backend.submit(blockRequest, (result) => {
      this.#answer(transaction, result);
    });
  }

  #answer(transaction: Transaction, result: BlockResult): void {
    assert(!transaction.answered, `a ${transaction.kind} was answered twice`);
    transaction.answered = true;
    this.#inFlightRequests -= 1;
    this.#inFlightBytes -= transaction.payloadBytes;
    if (transaction.startedAtMs !== 0) reportAnswer(transaction, result);
    if (this.#phase === 'closed') return;
    if (result.ok) {
      const expected = transaction.kind === 'read' ? transaction.length : undefined;
      assert(
        result.data?.length === expected,
        `a ${transaction.kind} was answered with data of the wrong length`,
      );
      transaction.data = result.data;
    } else {
      transaction.error = errorNumberOf(result.failure);
    }
    this.#unsent.push(transaction);
    this.#unsentBytes += transaction.data?.length ?? 0;
    this.#sendSoon();
  }

  #refuse(request: NbdRequest, refusal: RequestRefusal): void {
    if (!this.#refusalSeen) this.#options.onFirstRefusal(refusal);
    this.#refusalSeen = true;
    this.#reply(request.cookieHigh, request.cookieLow, refusal.error);
  }

  #reply(cookieHigh: number, cookieLow: number, error: number): void {
    this.#unsent.push({ cookieHigh, cookieLow, error, data: undefined });
    this.#sendSoon();
  }

  /**
   * Answers of one turn of the event loop leave together. The last one outstanding leaves at once: nothing could join
   * it, and a client that waits for each answer pays for every microsecond.
   */
  #sendSoon(): void {
    if (this.#pumping || this.#flushScheduled) return;
    if (this.#inFlightRequests === 0 && !this.#paused) {
      this.#flush();
      return;
    }
    this.#flushScheduled = true;
    setImmediate(this.#flushScheduledNow);
  }

  #flush(): void {
    if (this.#phase === 'closed') return;
    if (this.#unsent.length > 0) {
      const pieces = encodeReplies(this.#unsent, COPIED_PAYLOAD_BYTES);
      this.#unsent = [];
      this.#unsentBytes = 0;
      const socket = this.#socket;
      if (pieces.length > 1) socket.cork();
      for (const piece of pieces) socket.write(piece);
      if (pieces.length > 1) socket.uncork();
    }
    // Closes behind the last byte, however long the client takes for it.
    if (this.#phase === 'finishing' && this.idle) this.#socket.destroySoon();
  }

  #pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }
}

function reportAnswer(transaction: Transaction, result: BlockResult): void {
  const { kind, length } = transaction;
  const durationMs = performance.now() - transaction.startedAtMs;
  reportRequest(
    result.ok ? { kind, length, durationMs } : { kind, length, durationMs, failure: result.failure },
  );
}
