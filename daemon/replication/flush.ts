/**
 * Flushes that wait together share one round; one round at a time. A round is over when this replica's disk and that
 * of every replica in the in-sync set have everything on stable storage that was acknowledged before it began.
 */
import type { Core } from './core.ts';
import type { ClientResult } from './interface.ts';
import type { Peer } from './peer.ts';
import type { HostName, Sequence } from './units.ts';

/** Clients are answered before anything is done: what is done may be to stop answering. */
interface Waiters {
  readonly clients: number[];
  readonly then: (() => void)[];
}

interface Round {
  readonly flushId: number;
  /** Every write up to here was applied on all sides when the round began. */
  readonly upTo: Sequence;
  readonly waiters: Waiters;
  readonly startedAtMs: number;
  localDone: boolean;
  /** In-sync replicas that have not answered. */
  readonly missing: Set<Peer>;
}

export interface FlushParts {
  readonly peers: ReadonlyMap<HostName, Peer>;
  readonly isAdopting: () => boolean;
  readonly appliedSequence: () => Sequence;
  readonly onStable: (sequence: Sequence) => void;
  readonly reply: (id: number, result: ClientResult) => void;
}

export class FlushRounds {
  readonly #core: Core;
  readonly #parts: FlushParts;
  /** Every write up to here is on stable storage on all in-sync replicas. */
  stableSequence: Sequence = 0;
  #round: Round | undefined;
  #waiters: Waiters = { clients: [], then: [] };
  #lastId = 0;

  constructor(core: Core, parts: FlushParts) {
    this.#core = core;
    this.#parts = parts;
  }

  /** Since when the own disk is asked; undefined: it is not. */
  get localSinceMs(): number | undefined {
    return this.#round?.localDone === false ? this.#round.startedAtMs : undefined;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  startAnew(): void {
    this.stableSequence = 0;
  }

  request(waiter: { readonly client: number } | { readonly then: () => void }): void {
    if ('client' in waiter) this.#waiters.clients.push(waiter.client);
    else this.#waiters.then.push(waiter.then);
    this.#start();
  }

  /** Nobody waits any more. */
  abandon(): void {
    this.#round = undefined;
    this.#waiters = { clients: [], then: [] };
  }

  waitsFor(peer: Peer): boolean {
    return this.#round?.missing.has(peer) === true;
  }

  /** A round that waits for this peer is told to it, again after its link broke. */
  sendTo(peer: Peer): void {
    const round = this.#round;
    // While a view is adopted the peer is not of its generation yet: it is told afterwards.
    if (round?.missing.has(peer) !== true || this.#parts.isAdopting()) return;
    if (peer.link === undefined || !peer.ready) return;
    const { generation, nowMs } = this.#core;
    peer.waitingSinceMs ??= nowMs;
    this.#core.send(peer.link, { type: 'flush', generation, flushId: round.flushId });
  }

  onAnswer(peer: Peer, flushId: number): boolean {
    if (this.#round?.flushId !== flushId) return false;
    this.#round.missing.delete(peer);
    this.#finish();
    return true;
  }

  peerDropped(peer: Peer): void {
    this.#round?.missing.delete(peer);
    this.#finish();
  }

  #start(): void {
    const waiters = this.#waiters;
    if (this.#round !== undefined || waiters.clients.length + waiters.then.length === 0) return;
    const required = [...this.#parts.peers.values()].filter((peer) => peer.required);
    const round: Round = {
      flushId: this.nextId(),
      upTo: this.#parts.appliedSequence(),
      waiters,
      startedAtMs: this.#core.nowMs,
      localDone: false,
      missing: new Set(required),
    };
    this.#waiters = { clients: [], then: [] };
    this.#round = round;
    for (const peer of required) this.sendTo(peer);
    this.#core.flush((failure) => {
      // After a failure this replica serves nobody any more, and the clients that waited were refused.
      if (this.#round !== round || failure !== undefined) return;
      round.localDone = true;
      this.#finish();
    });
  }

  #finish(): void {
    const round = this.#round;
    if (round === undefined || !round.localDone || round.missing.size > 0) return;
    this.#round = undefined;
    this.stableSequence = round.upTo;
    this.#parts.onStable(round.upTo);
    for (const id of round.waiters.clients) this.#parts.reply(id, { ok: true });
    for (const then of round.waiters.then) then();
    this.#start();
  }
}
