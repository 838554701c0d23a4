/** One client: its socket, its handshake, its export, and after that its transmission phase. */
import type { Socket } from 'node:net';
import { assert, unreachable } from '../sys/errors.ts';
import { descriptorOf } from '../sys/direct-socket.ts';
import { peerHasClosed } from '../sys/libc.ts';
import type { ReceiveBuffer } from '../sys/receive-buffer.ts';
import type { SlabPool } from '../sys/slabs.ts';
import type { ExportFacts, Exports, OpenExport } from './block.ts';
import { encodeGreeting, HandshakeDecoder } from './handshake-codec.ts';
import type { NbdLimits } from './limits.ts';
import type { MemoryBudget } from './memory-budget.ts';
import {
  negotiate,
  type NegotiationEffect,
  type NegotiationEvent,
  negotiationStart,
  type NegotiationState,
  type TransmissionTerms,
} from './negotiation.ts';
import { type NbdTls, startTls } from './tls.ts';
import { Transmission } from './transmission.ts';

export type NbdLog = (message: string, facts: Readonly<Record<string, string | number>>) => void;

export interface ConnectionOptions {
  readonly socket: Socket;
  /** Where its bytes come in. */
  readonly received: ReceiveBuffer;
  /** The socket is read straight into that; else it is read as a stream. */
  readonly isDirect: boolean;
  readonly slabs: SlabPool;
  readonly exports: Exports;
  readonly limits: NbdLimits;
  readonly budget: MemoryBudget;
  /** Undefined: none on this socket. */
  readonly tls: NbdTls | undefined;
  readonly log: NbdLog;
  /** Before the export is opened: what another connection to it still has to say must not come behind what this one says. */
  readonly settle: (exportName: string) => void;
}

interface Used {
  readonly facts: ExportFacts;
  readonly opened: OpenExport;
}

export class NbdConnection {
  readonly #options: ConnectionOptions;
  /** As it was accepted; it is what closes. */
  readonly #plainSocket: Socket;
  /** What is spoken through: the same, or TLS on it. */
  #socket: Socket;
  /** While it is open. */
  readonly #fd: number | undefined;
  readonly #handshake = new HandshakeDecoder();
  #negotiation: NegotiationState;
  readonly #handshakeTimer: NodeJS.Timeout;
  #used: Used | undefined;
  #transmission: Transmission | undefined;

  constructor(options: ConnectionOptions) {
    const { socket, limits, tls } = options;
    this.#options = options;
    this.#plainSocket = socket;
    this.#socket = socket;
    this.#fd = descriptorOf(socket);
    this.#negotiation = negotiationStart(tls?.mode ?? 'off');
    this.#handshakeTimer = setTimeout(() => {
      this.hangUp(`no export chosen within ${String(limits.handshakeTimeoutMs)} ms`);
    }, limits.handshakeTimeoutMs);
    socket.on('close', () => {
      this.#onClose();
    });
    options.received.onBytes = () => {
      this.#onBytes();
    };
    this.#listen();
    socket.write(encodeGreeting());
  }

  /** Undefined before the handshake is over. */
  get exportName(): string | undefined {
    return this.#used?.facts.name;
  }

  /** Whoever sent what is not read yet has left. */
  get isAbandoned(): boolean {
    if (this.#plainSocket.destroyed) return true;
    return this.#fd !== undefined && this.#transmission?.finishing !== true && peerHasClosed(this.#fd);
  }

  /** See Transmission.isStuck. */
  get isStuck(): boolean {
    return this.#transmission?.isStuck() ?? false;
  }

  /** The server closes: what is outstanding is finished, and nothing new is taken. */
  finish(): void {
    if (this.#transmission === undefined) this.destroy();
    else this.#transmission.finish();
  }

  /** At once; outstanding answers are dropped. */
  destroy(): void {
    this.#transmission?.close();
    this.#socket.destroy();
    this.#plainSocket.destroy();
  }

  /** At once, and told in the log. */
  hangUp(reason: string): void {
    this.#options.log('nbd connection ended by the server', { export: this.#used?.facts.name ?? '', reason });
    this.destroy();
  }

  /** Resolves when the client is gone and its export is closed. */
  async untilClosed(): Promise<void> {
    if (this.#plainSocket.closed) return;
    await new Promise<void>((resolve) => {
      this.#plainSocket.once('close', () => {
        resolve();
      });
    });
  }

  #listen(): void {
    const socket = this.#socket;
    if (!this.#options.isDirect)
      socket.on('data', (chunk: Buffer) => {
        this.#options.received.put(chunk);
      });
    socket.resume();
    socket.on('drain', () => {
      this.#transmission?.drained();
    });
    // A client that said DISC may close its half and still read the last answers; any other that does so is gone.
    socket.on('end', () => {
      if (this.#transmission?.finishing !== true) this.destroy();
    });
    // Resets are how clients die; `close` follows and does what is to be done.
    socket.on('error', () => undefined);
  }

  #onBytes(): void {
    if (this.#transmission !== undefined) {
      this.#transmission.receive();
      return;
    }
    const { received } = this.#options;
    const chunk = Buffer.from(received.unread);
    received.consumed(chunk.length);
    this.#onHandshakeBytes(chunk);
  }

  #onClose(): void {
    clearTimeout(this.#handshakeTimer);
    this.#transmission?.close();
    const used = this.#used;
    this.#used = undefined;
    used?.opened.close();
  }

  get #handshakeIsOver(): boolean {
    return this.#negotiation.phase === 'over';
  }

  #onHandshakeBytes(chunk: Buffer): void {
    // Nothing may pile up from a client that was already told goodbye.
    if (this.#handshakeIsOver) return;
    this.#handshake.push(chunk);
    while (!this.#handshakeIsOver) {
      const message = this.#handshake.next();
      if (message === undefined) return;
      if (message.kind === 'refused') {
        this.hangUp(message.reason);
        return;
      }
      this.#advance(message);
    }
  }

  #advance(event: NegotiationEvent): void {
    const { state, effects } = negotiate(this.#negotiation, event);
    this.#negotiation = state;
    for (const effect of effects) this.#act(effect);
  }

  #act(effect: NegotiationEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#socket.write(effect.bytes);
        return;
      case 'list':
        this.#advance({ kind: 'listed', entries: this.#options.exports.list() });
        return;
      case 'find':
        this.#find(effect.name, effect.open);
        return;
      case 'startTls':
        this.#startTls();
        return;
      case 'transmit':
        this.#transmit(effect.terms);
        return;
      case 'finish':
        this.#socket.destroySoon();
        return;
      case 'hangUp':
        this.hangUp(effect.reason);
        return;
      default:
        unreachable(effect);
    }
  }

  #find(name: string, open: boolean): void {
    const { exports, settle } = this.#options;
    const result = exports.find(name);
    if (!result.ok) {
      this.#advance({ kind: 'notFound', reason: result.reason, message: result.message });
      return;
    }
    const facts = result.found;
    if (open) {
      settle(facts.name);
      const opened = result.found.open(() => {
        this.hangUp('the export was revoked');
      });
      this.#used = { facts, opened };
    }
    this.#advance({ kind: 'found', facts });
  }

  /**
   * Whoever sits between a client and us could put plain text in front of the client's: what came in before TLS is
   * dropped, and what comes in from here on is TLS's, since the socket is not read until TLS reads it.
   */
  #startTls(): void {
    const { tls } = this.#options;
    assert(tls !== undefined, 'TLS is negotiated only where it is configured');
    const plain = this.#plainSocket;
    this.#handshake.dropAll();
    plain.pause();
    plain.removeAllListeners('data').removeAllListeners('drain').removeAllListeners('end');
    // The acknowledgement is the last plain text; TLS goes on behind it.
    plain.write('', () => {
      if (plain.destroyed) return;
      startTls(plain, tls, {
        onSecure: (socket) => {
          this.#socket = socket;
          this.#listen();
        },
        onFailure: (reason) => {
          this.hangUp(reason);
        },
      });
    });
  }

  #transmit(terms: TransmissionTerms): void {
    const used = this.#used;
    // Revoked in the turn in which it was opened.
    if (used === undefined || this.#plainSocket.destroyed) return;
    clearTimeout(this.#handshakeTimer);
    const { limits, budget, log, received, slabs } = this.#options;
    const { facts, opened } = used;
    this.#transmission = new Transmission({
      socket: this.#socket,
      received,
      slabs,
      backend: opened.backend,
      isReadOnly: facts.isReadOnly,
      terms,
      limits,
      budget,
      hangUp: (reason) => {
        this.hangUp(reason);
      },
      onFirstRefusal: ({ command, field, value, limit }) => {
        log('nbd request refused', { export: facts.name, command, field, value, limit });
      },
    });
    const hasty = this.#handshake.rest();
    if (hasty.length > 0) received.put(hasty);
  }
}
