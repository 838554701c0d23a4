/**
 * The transmission phase of one connection: requests in, answers out, in whatever order the backend gives them.
 *
 *   serving --DISC, or the server closes--> finishing --everything answered and sent--> closed
 *   serving, finishing --socket gone, revoked, protocol broken--> closed
 *
 * Bounds: what comes in, what is submitted and unanswered, and what is answered and unsent, are counted. Above a limit
 * the decoder is not asked further, even in the middle of a chunk (64 KiB of READ headers can ask for 70 GiB), and the
 * socket is paused, so that the client's own socket fills up and it waits.
 */
import type { Socket } from 'node:net';
import { assert } from '../sys/errors.ts';
import type { ReceiveBuffer } from '../sys/receive-buffer.ts';
import { type Slab, SLAB_BYTES, type SlabPool } from '../sys/slabs.ts';
import type { BlockBackend, BlockRequest, BlockResult } from './block.ts';
import { type NbdRequest, RequestDecoder } from './codec.ts';
import { BLOCK_SIZE, COMMAND, COMMAND_FLAG, ERROR } from './constants.ts';
import { errorNumberOf, textOf } from './errno.ts';
import { contentsOf, mayHoldHole } from './extents.ts';
import { COPIED_PAYLOAD_BYTES, HOLE_SEARCH_BYTES, type NbdLimits, PREFETCH_BYTES } from './limits.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { TransmissionTerms } from './negotiation.ts';
import { isLong, submitInPieces } from './pieces.ts';
import { encodeReplies } from './replies.ts';
import { SendBuffers } from './send-buffers.ts';
import { readStatus } from './status.ts';
import { reportAnswer, statusBytes, type Transaction, transactionOf } from './transaction.ts';
import {
  blockRequestOf,
  describeRefusal,
  type RequestRefusal,
  type RequestRules,
  rulesFor,
  validate,
} from './validate.ts';

/** A longer one gets a buffer of its own; of the others several fit into what a socket is read into. */
const WHOLE_REQUEST_BYTES = SLAB_BYTES / 2;

export interface TransmissionOptions {
  readonly socket: Socket;
  /** Where its bytes come in. */
  readonly received: ReceiveBuffer;
  readonly slabs: SlabPool;
  readonly backend: BlockBackend;
  readonly isReadOnly: boolean;
  readonly terms: TransmissionTerms;
  readonly limits: NbdLimits;
  readonly budget: MemoryBudget;
  /** The client broke the protocol: the connection has to be destroyed. */
  readonly hangUp: (reason: string) => void;
  /** Called for the first refused request only: a client that goes on so shall not fill the log. */
  readonly onFirstRefusal: (refusal: RequestRefusal) => void;
}

export class Transmission {
  readonly #options: TransmissionOptions;
  readonly #socket: Socket;
  readonly #backend: BlockBackend;
  readonly #rules: RequestRules;
  readonly #decoder: RequestDecoder;
  readonly #received: ReceiveBuffer;
  readonly #buffers: SendBuffers;
  #phase: 'serving' | 'finishing' | 'closed' = 'serving';
  #inFlightRequests = 0;
  #inFlightBytes = 0;
  /** Answered and not yet given to the socket. */
  #unsent: Transaction[] = [];
  #unsentBytes = 0;
  /** To the socket, since the beginning. */
  #givenBytes = 0;
  /** Of the answers' headers, until they are given to the socket. */
  #shared: Slab | undefined;
  /** Decoded, and waiting for room in the budget. */
  #deferred: NbdRequest | undefined;
  /** What the budget knows of. */
  #countedBytes = 0;
  #pumping = false;
  #flushScheduled = false;
  #paused = false;
  #refusalSeen = false;
  /** At the last look for clients that are stuck. */
  #lastBytesWritten = 0;
  #lastBytesRead = 0;
  readonly #flushScheduledNow = (): void => {
    this.#flushScheduled = false;
    this.#flush();
    this.#pumpIfPaused();
  };
  readonly #allocate = (bytes: number): Buffer => {
    const buffer = this.#buffers.take(bytes);
    if (buffer !== undefined) this.#shared = this.#buffers.slab;
    return buffer ?? Buffer.allocUnsafe(bytes);
  };
  readonly #roomWasMade = (): void => {
    this.#pumpIfPaused();
  };

  constructor(options: TransmissionOptions) {
    const { socket, backend, limits, terms, isReadOnly, received } = options;
    this.#options = options;
    this.#socket = socket;
    this.#backend = backend;
    this.#received = received;
    received.settling = () => backend.sending?.() ?? (() => true);
    this.#buffers = new SendBuffers(options.slabs);
    const { sizeBytes } = backend;
    assert(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0, 'an export has a size in whole bytes');
    // Below the mark a socket does not tell when it has drained, and a paused connection would never go on.
    assert(
      limits.unsentBytes >= socket.writableHighWaterMark,
      'unsentBytes is below what a socket buffers by itself',
    );
    const { style, contexts, offersFastZero } = terms;
    const hasContexts = contexts.length > 0;
    const zeroesFast = (): boolean => backend.zeroesFast;
    this.#rules = rulesFor({ sizeBytes, isReadOnly, style, offersFastZero, zeroesFast, hasContexts });
    this.#decoder = new RequestDecoder({
      maximumPayloadBytes: BLOCK_SIZE.MAXIMUM_PAYLOAD_BYTES,
      extended: style === 'extended',
      wholeBytes: WHOLE_REQUEST_BYTES,
      mayAllocate: (bytes) => this.#hasRoomFor(bytes),
    });
  }

  get finishing(): boolean {
    return this.#phase === 'finishing';
  }

  /** There is more in the receive buffer. */
  receive(): void {
    // The client must not send anything behind DISC; what it sends all the same is read and forgotten.
    if (this.#phase === 'serving') this.#pump();
    else this.#received.consumed(this.#received.unread.length);
  }

  /** The socket has sent everything that it was given. */
  drained(): void {
    this.#buffers.sent(this.#givenBytes);
    this.#count();
    this.#pumpIfPaused();
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
    this.#deferred = undefined;
    this.#options.budget.forget(this.#roomWasMade);
    this.#count();
  }

  /**
   * Since the last time it was asked, the client neither took a byte of the answers that wait for it nor sent one of the
   * payload that it announced.
   */
  isStuck(): boolean {
    const { bytesWritten, bytesRead, writableLength } = this.#socket;
    const takesNothing = writableLength > 0 && bytesWritten === this.#lastBytesWritten;
    const sendsNothing =
      this.#decoder.allocatedBytes > 0 && !this.#paused && bytesRead === this.#lastBytesRead;
    this.#lastBytesWritten = bytesWritten;
    this.#lastBytesRead = bytesRead;
    return takesNothing || sendsNothing;
  }

  #pumpIfPaused(): void {
    if (this.#paused && this.#phase === 'serving' && !this.#isSaturated()) this.#pump();
  }

  /** Takes what is decodable up to the limits and sends the answers that came meanwhile as one. */
  #pump(): void {
    assert(!this.#pumping, 'a backend answered by feeding its own connection');
    this.#pumping = true;
    this.#rules.sizeBytes = this.#backend.sizeBytes;
    let hasToWait = false;
    const chunk = this.#received.unread;
    this.#decoder.push(chunk);
    while (this.#phase === 'serving') {
      if (this.#isSaturated()) {
        // Answers given at once count as unsent only until the socket has taken them.
        this.#flush();
        hasToWait = this.#isSaturated();
        if (hasToWait) break;
      }
      const request = this.#deferred ?? this.#decoder.next();
      if (request === undefined) {
        hasToWait = this.#decoder.isBlocked;
        break;
      }
      if (request.kind === 'refused') this.#options.hangUp(request.reason);
      else if (!this.#take(request)) {
        hasToWait = true;
        break;
      }
    }
    this.#received.consumed(chunk.length - this.#decoder.unreadBytes, this.#decoder.wantedBytes);
    this.#decoder.giveUpChunk();
    this.#pumping = false;
    this.#flush();
    this.#count();
    if (hasToWait && !this.#paused) this.#pause();
    else if (!hasToWait && this.#paused) this.#resume();
  }

  #isSaturated(): boolean {
    const { limits } = this.#options;
    return (
      this.#inFlightBytes > limits.inFlightBytes ||
      this.#inFlightRequests >= limits.inFlightRequests ||
      this.#unsentBytes + this.#socket.writableLength > limits.unsentBytes
    );
  }

  /** Else it is woken once there is. Also asked by the decoder, for a payload that is yet to come in. */
  #hasRoomFor(bytes: number): boolean {
    const { budget, limits } = this.#options;
    this.#count();
    if (this.#countedBytes + bytes <= limits.guaranteedBytes || budget.hasRoomFor(bytes)) return true;
    budget.wait(this.#roomWasMade);
    return false;
  }

  /**
   * Of a READ, before there is anything. A WRITE's payload is here already, so it is counted first and asked for then,
   * and waits for nobody who waits: they may wait for what it holds.
   */
  #mayHold(request: NbdRequest): boolean {
    const { budget, limits } = this.#options;
    this.#deferred = request;
    if (request.command === COMMAND.READ) {
      if (!this.#hasRoomFor(request.length)) return false;
    } else if (request.payload !== undefined) {
      this.#count();
      if (budget.isExceeded && this.#countedBytes > limits.guaranteedBytes) {
        // What it came in with is written over meanwhile.
        if (this.#received.slab.holds(request.payload))
          this.#deferred = { ...request, payload: Buffer.from(request.payload) };
        budget.wait(this.#roomWasMade);
        return false;
      }
    }
    this.#deferred = undefined;
    return true;
  }

  #count(): void {
    const { budget } = this.#options;
    const closed = this.#phase === 'closed';
    const answers = closed ? 0 : this.#unsentBytes + this.#socket.writableLength;
    const deferred = this.#deferred?.payload?.length ?? 0;
    const incoming = closed ? 0 : this.#decoder.allocatedBytes + deferred;
    const held = this.#inFlightBytes + answers + incoming;
    if (held === this.#countedBytes) return;
    const change = held - this.#countedBytes;
    this.#countedBytes = held;
    budget.change(change);
  }

  /** False: there is no room for what it would have us hold; it is asked for again. */
  #take(request: NbdRequest): boolean {
    const { command, offset, length } = request;
    if (command === COMMAND.DISC) {
      this.finish();
      return true;
    }
    const refusal = validate(request, this.#rules);
    if (refusal !== undefined) {
      this.#refuse(request, refusal);
      return true;
    }
    if (!this.#mayHold(request)) return false;
    if (command === COMMAND.BLOCK_STATUS) this.#submitStatus(request);
    else if (command === COMMAND.CACHE) {
      if (length > 0) this.#backend.prefetch({ offset, length: Math.min(length, PREFETCH_BYTES) });
      this.#reply(transactionOf(request, 'read', 0), ERROR.NONE, '');
    } else {
      const blockRequest = blockRequestOf(request);
      if (blockRequest === undefined) this.#reply(transactionOf(request, 'read', 0), ERROR.NONE, '');
      else this.#submit(request, blockRequest);
    }
    return true;
  }

  #submit(request: NbdRequest, blockRequest: BlockRequest): void {
    const { kind } = blockRequest;
    const payloadBytes = kind === 'read' || kind === 'write' ? request.length : 0;
    const transaction = this.#begin(request, kind, payloadBytes);
    this.#useSlab(transaction, blockRequest);
    // One closure per request, and not a pooled one: answered twice, a pooled one would acknowledge somebody else's write.
    const done = (result: BlockResult): void => {
      this.#answer(transaction, result);
    };
    if (isLong(blockRequest)) this.#submitLong(blockRequest, done);
    else if (blockRequest.kind === 'read') this.#submitRead(transaction, blockRequest, done);
    else this.#backend.submit(blockRequest, done);
  }

  #submitRead(
    transaction: Transaction,
    request: Extract<BlockRequest, { kind: 'read' }>,
    done: (result: BlockResult) => void,
  ): void {
    const into = this.#buffers.take(request.length);
    if (into === undefined) this.#backend.submit(request, done);
    else {
      transaction.slab = this.#buffers.slab;
      this.#backend.submit({ ...request, into }, done);
    }
  }

  /** What a write brought is not written over before it is answered. */
  #useSlab(transaction: Transaction, request: BlockRequest): void {
    const { slab } = this.#received;
    if (request.kind !== 'write' || !slab.holds(request.data)) return;
    transaction.slab = slab;
    slab.use();
  }

  #submitLong(
    request: Extract<BlockRequest, { kind: 'trim' | 'zero' }>,
    done: (result: BlockResult) => void,
  ): void {
    submitInPieces(this.#backend, request, () => this.#phase !== 'closed', done);
  }

  #submitStatus(request: NbdRequest): void {
    const transaction = this.#begin(request, 'status', 0);
    const { contexts } = this.#options.terms;
    const range = { offset: request.offset, length: request.length };
    const onlyOne = (request.flags & COMMAND_FLAG.REQ_ONE) !== 0;
    readStatus(this.#backend, { range, contexts, onlyOne }, (result) => {
      if (result.ok) transaction.status = result.status;
      this.#answer(transaction, result);
    });
  }

  #begin(request: NbdRequest, kind: Transaction['kind'], payloadBytes: number): Transaction {
    const transaction = transactionOf(request, kind, payloadBytes);
    this.#inFlightRequests += 1;
    this.#inFlightBytes += payloadBytes;
    return transaction;
  }

  #answer(transaction: Transaction, result: BlockResult): void {
    assert(!transaction.answered, `a ${transaction.kind} was answered twice`);
    transaction.answered = true;
    this.#inFlightRequests -= 1;
    this.#inFlightBytes -= transaction.payloadBytes;
    // Somebody may still be about to read into it, or to write what is in it.
    if (!result.ok) transaction.slab?.spoil();
    else if (result.data === undefined || transaction.slab?.holds(result.data) === false) {
      transaction.slab?.release();
      transaction.slab = undefined;
    }
    if (transaction.startedAtMs !== 0) reportAnswer(transaction, result);
    if (this.#phase === 'closed') {
      this.#count();
      return;
    }
    if (!result.ok) {
      this.#reply(transaction, errorNumberOf(result.failure), textOf(result.failure));
      return;
    }
    const expected = transaction.kind === 'read' ? transaction.length : undefined;
    assert(
      result.data?.length === expected,
      `a ${transaction.kind} was answered with data of the wrong length`,
    );
    transaction.data = result.data;
    if (result.data !== undefined) this.#leaveOutHoles(transaction, result.data);
    this.#unsentBytes += (result.data?.length ?? 0) + statusBytes(transaction.status);
    this.#unsent.push(transaction);
    this.#sendSoon();
  }

  /** Where the data was read a moment ago, and nobody may have been served since, there are zeroes now as then. */
  #leaveOutHoles(transaction: Transaction, data: Buffer): void {
    if (this.#options.terms.style === 'simple' || transaction.isWhole) return;
    const { offset, length } = transaction;
    if (length < HOLE_SEARCH_BYTES || !mayHoldHole(data)) return;
    transaction.contents = contentsOf({ offset, length }, data, this.#backend.extents({ offset, length }));
  }

  #refuse(request: NbdRequest, refusal: RequestRefusal): void {
    if (!this.#refusalSeen) this.#options.onFirstRefusal(refusal);
    this.#refusalSeen = true;
    this.#reply(transactionOf(request, 'read', 0), refusal.error, describeRefusal(refusal));
  }

  #reply(transaction: Transaction, error: number, message: string): void {
    transaction.error = error;
    transaction.message = message;
    this.#unsentBytes += message.length;
    this.#unsent.push(transaction);
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
      this.#count();
      return;
    }
    this.#flushScheduled = true;
    setImmediate(this.#flushScheduledNow);
  }

  #flush(): void {
    if (this.#phase === 'closed') return;
    if (this.#unsent.length > 0) {
      const pieces = encodeReplies(this.#unsent, this.#options.terms.style, {
        copiedPayloadBytes: COPIED_PAYLOAD_BYTES,
        allocate: this.#allocate,
      });
      const socket = this.#socket;
      for (const piece of pieces) this.#givenBytes += piece.length;
      for (const { slab } of this.#unsent)
        if (slab?.isSpoiled === false) this.#buffers.sending(slab, this.#givenBytes);
      if (this.#shared !== undefined) this.#buffers.sending(this.#shared, this.#givenBytes);
      this.#shared = undefined;
      this.#unsent = [];
      this.#unsentBytes = 0;
      if (pieces.length > 1) socket.cork();
      for (const piece of pieces) socket.write(piece);
      if (pieces.length > 1) socket.uncork();
      this.#buffers.sent(this.#givenBytes - socket.writableLength);
    }
    // Closes behind the last byte, however long the client takes for it.
    if (this.#phase === 'finishing' && this.#inFlightRequests === 0) this.#socket.destroySoon();
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
