/** What the parts of one replica's machine share: its state, its durable state, its time, and the way to emit effects. */
import { assert } from '../sys/errors.ts';
import type {
  DiskFailure,
  DurableState,
  Effect,
  MapChange,
  ReplicaEvent,
  ReplicaOptions,
} from './interface.ts';
import type { Message, RefusalReason, WriteKind } from './messages.ts';
import { checkTransition, type ReplicaState } from './states.ts';
import { REGION_BYTES } from './units.ts';

type Completion = Extract<ReplicaEvent, { readonly token: number }>;

export interface DiskWrite {
  readonly kind: WriteKind;
  readonly offset: number;
  readonly length: number;
  readonly data: Uint8Array | undefined;
}

export class Core {
  readonly options: ReplicaOptions;
  /** Of the event being stepped, on the host's monotonic clock. */
  nowMs = 0;
  /** Why the state is what it is, for people. */
  why = '';
  effects: Effect[] = [];
  /** Since when this process has not stood still: what it waited for before proves nothing of the others. */
  awakeSinceMs = -Infinity;
  /** Of whichever part of the replica; called before whoever asked for the flush is told. */
  onFlushFailure: (failure: DiskFailure) => void = () => undefined;
  #lastTickMs = -Infinity;
  /** Called when this side closes a link; the same as when the other does. */
  onLinkClosed: (link: number) => void = () => undefined;
  #sizeBytes: number;
  #state: ReplicaState;
  #durable: DurableState;
  #persisted: DurableState;
  #lastToken = 0;
  #lastLink = 0;
  readonly #waiting = new Map<number, (event: Completion) => void>();
  #writesUnderWay = 0;
  /** Since then no write ended, though one or more are under way. */
  #writingSinceMs = 0;
  #whenWritten: (() => void)[] = [];

  constructor(options: ReplicaOptions, durable: DurableState, state: ReplicaState) {
    this.options = options;
    this.#sizeBytes = options.sizeBytes;
    this.#durable = durable;
    this.#persisted = durable;
    this.#state = state;
  }

  /** Of the volume: it may grow while it is served. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  resize(sizeBytes: number): void {
    assert(sizeBytes % REGION_BYTES === 0, 'a volume is a whole number of regions');
    this.#sizeBytes = sizeBytes;
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /**
   * As last handed to `persist`. Generation checks go by it at once, so that a replica which has begun to move on
   * answers nothing of the generation before, while whatever needs the new one durable waits for its `persisted`.
   */
  get durable(): DurableState {
    return this.#durable;
  }

  /** What a restart would find. Control builds on what it is told, so this is what it is told. */
  get persisted(): DurableState {
    return this.#persisted;
  }

  get generation(): number {
    return this.#durable.view.generation;
  }

  get host(): string {
    return this.options.host;
  }

  /** Started again since this replica was known to hold every acknowledged write: unflushed ones may be gone. */
  get hostRebooted(): boolean {
    return !this.#durable.blank && this.#durable.bootId !== this.options.bootId;
  }

  /** A flush failed, and no copy has made good for it: what this machine reads may not be on its stable storage. */
  get diskHasFailed(): boolean {
    return this.#durable.flushFailedIn === this.options.bootId;
  }

  /** Answers how long ago the tick before was. */
  ticked(): number {
    const sinceMs = this.nowMs - this.#lastTickMs;
    if (sinceMs > this.options.stallMs / 4) this.awakeSinceMs = this.nowMs;
    this.#lastTickMs = this.nowMs;
    return sinceMs;
  }

  /** For longer than a disk may take. */
  isStalledSince(ms: number): boolean {
    return this.nowMs - Math.max(ms, this.awakeSinceMs) > this.options.stallMs;
  }

  transition(to: ReplicaState, why: string): void {
    const from = this.#state;
    this.why = why;
    if (from === to) return;
    checkTransition(from, to);
    this.#state = to;
    this.effects.push({ type: 'state-changed', from, to, why });
  }

  send(link: number, message: Message, payload?: Uint8Array): void {
    this.effects.push(
      payload === undefined ? { type: 'send', link, message } : { type: 'send', link, message, payload },
    );
  }

  /** The last word on a link that this side will not go on with. */
  refuse(link: number, reason: RefusalReason, message: string): void {
    const { generation, primary } = this.#durable.view;
    this.send(link, { type: 'refusal', generation, primary, reason, message });
    this.effects.push({ type: 'close-link', link });
    this.onLinkClosed(link);
  }

  /** Runs `then` once the change, with those of the maps, is on stable storage. */
  persist(change: Partial<DurableState>, then: () => void, maps: readonly MapChange[] = []): void {
    const durable = { ...this.#durable, ...change };
    assert(
      durable.view.generation >= this.#durable.view.generation,
      `the generation of ${this.options.volume} went back from ${String(this.#durable.view.generation)}`,
    );
    this.#durable = durable;
    const token = this.nextToken();
    this.effects.push({ type: 'persist', token, durable, maps });
    this.#waiting.set(token, () => {
      this.#persisted = durable;
      then();
    });
  }

  write({ kind, offset, length, data }: DiskWrite, done: (failure: DiskFailure | undefined) => void): void {
    const token = this.nextToken();
    this.effects.push(
      data === undefined
        ? { type: 'disk-write', token, kind, offset, length }
        : { type: 'disk-write', token, kind, offset, length, data },
    );
    this.onWritten(token, done);
  }

  /** Registers who is told how an effect ended that writes to the volume. */
  onWritten(token: number, done: (failure: DiskFailure | undefined) => void): void {
    if (this.#writesUnderWay++ === 0) this.#writingSinceMs = this.nowMs;
    this.onDone(token, (failure) => {
      this.#writesUnderWay--;
      this.#writingSinceMs = this.nowMs;
      done(failure);
      if (this.#writesUnderWay > 0) return;
      for (const then of this.#whenWritten.splice(0)) then();
    });
  }

  /** Writes are under way, and none has ended for longer than a disk may take. */
  get isWritingStalled(): boolean {
    return this.#writesUnderWay > 0 && this.isStalledSince(this.#writingSinceMs);
  }

  /**
   * Once no write is under way. A disk keeps no order among writes that are under way together, so whoever begins to
   * write for another reason (a copy comes in, the replica serves from now on) lets those of before end first.
   */
  whenWritten(then: () => void): void {
    if (this.#writesUnderWay === 0) then();
    else this.#whenWritten.push(then);
  }

  /** Runs `done` with what became of a flush of everything that was written before. */
  flush(done: (failure: DiskFailure | undefined) => void): void {
    const token = this.nextToken();
    this.effects.push({ type: 'disk-flush', token });
    this.onDone(token, (failure) => {
      // The kernel tells it once, and may have dropped the pages: the next flush would succeed for what is gone.
      if (failure !== undefined) this.#flushFailed(failure);
      done(failure);
    });
  }

  #flushFailed(failure: DiskFailure): void {
    if (!this.diskHasFailed) this.persist({ flushFailedIn: this.options.bootId }, () => undefined);
    this.onFlushFailure(failure);
  }

  /** Registers who is told how an effect ended that disk-done answers. */
  onDone(token: number, done: (failure: DiskFailure | undefined) => void): void {
    this.await(token, (event) => {
      done(event.type === 'disk-done' ? event.failure : 'EIO');
    });
  }

  nextToken(): number {
    return ++this.#lastToken;
  }

  nextLink(): number {
    return --this.#lastLink;
  }

  /** Registers who is told when the effect with this token is done. */
  await(token: number, then: (event: Completion) => void): void {
    this.#waiting.set(token, then);
  }

  complete(event: Completion): void {
    const then = this.#waiting.get(event.token);
    assert(
      then !== undefined,
      `an effect with token ${String(event.token)} was not emitted, or was answered twice`,
    );
    this.#waiting.delete(event.token);
    then(event);
  }
}
