/** One client: its socket, its handshake, its export, and after that its transmission phase. */
import type { Socket } from 'node:net';
import { assert, unreachable } from '../sys/errors.ts';
import type { BlockBackend, ExportDirectory } from './block.ts';
import { encodeGreeting, HandshakeDecoder } from './handshake-codec.ts';
import type { NbdLimits } from './limits.ts';
import {
  negotiate,
  NEGOTIATION_START,
  type NegotiationEffect,
  type NegotiationEvent,
  type NegotiationState,
} from './negotiation.ts';
import { Transmission } from './transmission.ts';

export type NbdLog = (message: string, facts: Readonly<Record<string, string | number>>) => void;

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly directory: ExportDirectory;
  readonly limits: NbdLimits;
  readonly log: NbdLog;
}

interface OpenExport {
  readonly name: string;
  readonly backend: BlockBackend;
}

export class NbdConnection {
  readonly #socket: Socket;
  readonly #directory: ExportDirectory;
  readonly #limits: NbdLimits;
  readonly #log: NbdLog;
  readonly #handshake = new HandshakeDecoder();
  #negotiation: NegotiationState = NEGOTIATION_START;
  readonly #handshakeTimer: NodeJS.Timeout;
  #export: OpenExport | undefined;
  #transmission: Transmission | undefined;
  /** The key of this connection in the directory. Without an export it finds nothing to do. */
  readonly #onRevoke = (): void => {
    this.#hangUp('the export was revoked');
  };

  constructor(options: ConnectionOptions) {
    this.#socket = options.socket;
    this.#directory = options.directory;
    this.#limits = options.limits;
    this.#log = options.log;
    this.#handshakeTimer = setTimeout(() => {
      this.#hangUp(`no export chosen within ${String(this.#limits.handshakeTimeoutMs)} ms`);
    }, this.#limits.handshakeTimeoutMs);
    this.#listen();
    this.#socket.write(encodeGreeting());
  }

  /** The server closes: what is outstanding is finished, and nothing new is taken. */
  finish(): void {
    if (this.#transmission === undefined) this.#socket.destroy();
    else this.#transmission.finish();
  }

  /** At once; outstanding answers are dropped. */
  destroy(): void {
    this.#transmission?.close();
    this.#socket.destroy();
  }

  /** Resolves when the client is gone and its export is closed. */
  async untilClosed(): Promise<void> {
    if (this.#socket.closed) return;
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => {
        resolve();
      });
    });
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#transmission === undefined) this.#onHandshakeBytes(chunk);
      else this.#transmission.receive(chunk);
    });
    socket.on('drain', () => {
      this.#transmission?.drained();
    });
    // A client that said DISC may close its half and still read the last answers; any other that does so is gone.
    socket.on('end', () => {
      if (this.#transmission?.finishing !== true) this.destroy();
    });
    // Resets are how clients die; `close` follows and does what is to be done.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#onClose();
    });
  }

  #onClose(): void {
    clearTimeout(this.#handshakeTimer);
    this.#transmission?.close();
    const opened = this.#export;
    this.#export = undefined;
    if (opened !== undefined) this.#directory.close(opened.name, this.#onRevoke);
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
        this.#hangUp(message.reason);
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
        this.#advance({ kind: 'listed', entries: this.#directory.list() });
        return;
      case 'open':
        this.#open(effect.name, effect.keep);
        return;
      case 'transmit':
        this.#transmit();
        return;
      case 'finish':
        this.#socket.destroySoon();
        return;
      case 'hangUp':
        this.#hangUp(effect.reason);
        return;
      default:
        unreachable(effect);
    }
  }

  #open(name: string, keep: boolean): void {
    const result = this.#directory.open(name, this.#onRevoke);
    if (!result.ok) {
      this.#advance({ kind: 'notOpened', reason: result.reason, message: result.message });
      return;
    }
    const description = this.#directory.list().find((entry) => entry.name === name)?.description ?? '';
    const { sizeBytes } = result.backend;
    if (keep) this.#export = { name, backend: result.backend };
    else this.#directory.close(name, this.#onRevoke);
    this.#advance({ kind: 'opened', sizeBytes, description });
  }

  #transmit(): void {
    const opened = this.#export;
    assert(opened !== undefined, 'transmission starts with an open export');
    clearTimeout(this.#handshakeTimer);
    this.#transmission = new Transmission({
      socket: this.#socket,
      backend: opened.backend,
      limits: this.#limits,
      hangUp: (reason) => {
        this.#hangUp(reason);
      },
      onFirstRefusal: ({ command, field, value, limit }) => {
        this.#log('nbd request refused', { export: opened.name, command, field, value, limit });
      },
    });
    const hasty = this.#handshake.rest();
    if (hasty.length > 0) this.#transmission.receive(hasty);
  }

  #hangUp(reason: string): void {
    this.#log('nbd connection ended by the server', { export: this.#export?.name ?? '', reason });
    this.destroy();
  }
}
