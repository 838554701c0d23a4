/**
 * The primary's data path: client requests in, answers out.
 *
 * A write is numbered, sent to the peer, applied here *after* the peer's answer, then acknowledged. What this replica
 * holds the peer holds too, at every instant; when this one dies, the survivor is a superset. Writes are applied one
 * after the other in their order, on both sides.
 */
import { assert, unreachable } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { ClientRequest, ClientResult, DiskFailure } from './interface.ts';
import type { WriteKind } from './messages.ts';
import type { Peer } from './peer.ts';
import { type ByteRange, firstRegion, lastRegion, overlaps, type Region, type Sequence } from './units.ts';

interface HeldRequest {
  readonly id: number;
  readonly request: ClientRequest;
}

interface InflightWrite extends ByteRange {
  readonly id: number;
  readonly sequence: Sequence;
  readonly kind: WriteKind;
  readonly data: Uint8Array | undefined;
  readonly fua: boolean;
}

/** Clients are answered before anything is done: what is done may be to stop answering. */
interface FlushWaiters {
  readonly clients: number[];
  readonly then: (() => void)[];
}

interface FlushRound {
  readonly flushId: number;
  /** Every write up to here was applied on both sides when the round began. */
  readonly upTo: Sequence;
  readonly waiters: FlushWaiters;
  localDone: boolean;
  peerDone: boolean;
}

/** Unacknowledged bytes to a peer that is still being copied to: above it, clients wait for the peer. */
const CATCH_UP_WINDOW_BYTES = 16 * 1024 * 1024;

export class Primary {
  readonly #core: Core;
  peer: Peer | undefined;
  /** Region being read for a copy: a write that overlaps it must not come between the read and the sending. */
  copyLock: ByteRange | undefined;
  /** Set while a new view is being made durable: nothing new is taken in between. */
  adopting = false;
  /** Acknowledged while alone; what a peer that is gone cannot have. */
  bytesWithoutPeer = 0;

  #lastSequence: Sequence = 0;
  #appliedSequence: Sequence = 0;
  #stableSequence: Sequence = 0;
  #held: HeldRequest[] = [];
  /** In sequence order; the first `#applying` of them are being applied (one at the most). */
  #inflight: InflightWrite[] = [];
  #applying = false;
  #flushRound: FlushRound | undefined;
  #flushWaiters: FlushWaiters = { clients: [], then: [] };
  /** Reads that the disk has not answered. */
  readonly #reads = new Set<number>();
  #lastFlushId = 0;
  readonly #onDiskFailure: (failure: DiskFailure) => void;

  constructor(core: Core, onDiskFailure: (failure: DiskFailure) => void) {
    this.#core = core;
    this.#onDiskFailure = onDiskFailure;
  }

  get appliedSequence(): Sequence {
    return this.#appliedSequence;
  }

  get heldRequests(): number {
    return this.#held.length + this.#inflight.length;
  }

  /**
   * A reign begins: sequence numbers go on where the secondary is. What was stable in an earlier one of this process
   * was counted by other numbers, and said of these it would make the secondary forget what it holds unstable.
   */
  continueFrom(sequence: Sequence): void {
    assert(this.#inflight.length === 0, 'sequence numbers are only set before anything is in flight');
    this.#lastSequence = sequence;
    this.#appliedSequence = sequence;
    this.#stableSequence = 0;
    this.bytesWithoutPeer = 0;
  }

  submit(id: number, request: ClientRequest): void {
    if (!this.#admit(id, request)) this.#held.push({ id, request });
  }

  /** Something changed that held requests may have waited for. */
  retryHeld(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    for (const { id, request } of held) this.submit(id, request);
  }

  /** Nobody is served any more: whatever is held or under way was never acknowledged and never will be. */
  refuseAll(): void {
    const refused: ClientResult = { ok: false, failure: 'ESHUTDOWN' };
    for (const { id } of this.#held) this.#reply(id, refused);
    for (const { id } of this.#inflight) this.#reply(id, refused);
    for (const id of this.#reads) this.#reply(id, refused);
    for (const id of this.#flushRound?.waiters.clients ?? []) this.#reply(id, refused);
    for (const id of this.#flushWaiters.clients) this.#reply(id, refused);
    this.#held = [];
    this.#inflight = [];
    this.#reads.clear();
    this.#applying = false;
    this.#flushRound = undefined;
    this.#flushWaiters = { clients: [], then: [] };
  }

  leaseHolds(): boolean {
    return this.peer?.required !== true || this.#core.nowMs < this.peer.leaseUntilMs;
  }

  /** Regions of writes that are not applied yet: a target that is connected now will not see them in the stream. */
  inflightRegions(): readonly Region[] {
    const regions = new Set<Region>();
    for (const write of this.#inflight)
      for (let region = firstRegion(write); region <= lastRegion(write); region++) regions.add(region);
    return [...regions];
  }

  overlapsInflight(range: ByteRange): boolean {
    return this.#inflight.some((write) => overlaps(write, range));
  }

  /** Everything sent so far was answered by the peer. */
  get peerCaughtUp(): boolean {
    return this.peer !== undefined && this.peer.ackedSequence >= this.#lastSequence;
  }

  get lastSequence(): Sequence {
    return this.#lastSequence;
  }

  get stableSequence(): Sequence {
    return this.#stableSequence;
  }

  /** False: it answers what was never sent, so that nothing it says can be built on. */
  onWriteAnswer(appliedSequence: Sequence): boolean {
    const peer = this.peer;
    if (peer === undefined) return true;
    if (appliedSequence > this.#lastSequence) return false;
    if (appliedSequence <= peer.ackedSequence) return true;
    peer.ackedSequence = appliedSequence;
    if (this.peerCaughtUp) peer.catchUpBytes = 0;
    this.applyNext();
    this.retryHeld();
    return true;
  }

  /** The link stands again, and the peer has applied up to here: what it lacks is sent again, in order. */
  resume(appliedSequence: Sequence): boolean {
    const peer = this.peer;
    assert(peer !== undefined && peer.ready, 'only a ready peer is resumed');
    for (const write of this.#inflight) if (write.sequence > appliedSequence) this.#send(write);
    if (this.#flushRound?.peerDone === false) this.#sendFlush(this.#flushRound);
    const sound = this.onWriteAnswer(appliedSequence);
    this.retryHeld();
    return sound;
  }

  /** The peer is no longer required: what waited only for it goes on. */
  peerDropped(): void {
    this.peer = undefined;
    if (this.#flushRound !== undefined) this.#flushRound.peerDone = true;
    this.applyNext();
    this.#finishFlushRound();
    this.retryHeld();
  }

  /** Calls back when everything acknowledged so far is on stable storage, on both sides if the peer is required. */
  flush(done: () => void): void {
    this.#flushWaiters.then.push(done);
    this.#startFlushRound();
  }

  /** The peer was told of the generation that was adopted: a flush that waited meanwhile may name it. */
  peerFollows(): void {
    if (this.#flushRound?.peerDone === false) this.#sendFlush(this.#flushRound);
  }

  onFlushAnswer(flushId: number): void {
    if (this.#flushRound?.flushId !== flushId) return;
    this.#flushRound.peerDone = true;
    this.#finishFlushRound();
  }

  applyNext(): void {
    const write = this.#inflight[0];
    if (write === undefined || this.#applying) return;
    if (this.peer?.required === true && write.sequence > this.peer.ackedSequence) return;
    this.#applying = true;
    this.#core.write(write, (failure) => {
      if (this.#inflight[0] === write) this.#applied(write, failure);
    });
  }

  #admit(id: number, request: ClientRequest): boolean {
    switch (request.kind) {
      case 'read':
        return this.#admitRead(id, request);
      case 'flush':
        if (!this.#takesChanges()) return false;
        this.#flushFor(id);
        return true;
      case 'write':
        return this.#admitWrite(id, request, 'data', request.data.length, request.data);
      case 'trim':
        return this.#admitWrite(id, request, 'trim', request.length, undefined);
      case 'zero':
        return this.#admitWrite(id, request, request.mayTrim ? 'trim' : 'zero', request.length, undefined);
      default:
        return unreachable(request);
    }
  }

  #takesChanges(): boolean {
    const { state } = this.#core;
    if (this.adopting || (state !== 'SERVING' && state !== 'SOLO')) return false;
    return this.peer === undefined || !this.peer.receivesWrites || this.peer.ready;
  }

  #admitWrite(
    id: number,
    { offset, fua }: { readonly offset: number; readonly fua: boolean },
    kind: WriteKind,
    length: number,
    data: Uint8Array | undefined,
  ): boolean {
    if (!this.#takesChanges()) return false;
    if (this.peer !== undefined && this.peer.catchUpBytes > CATCH_UP_WINDOW_BYTES) return false;
    if (this.copyLock !== undefined && overlaps(this.copyLock, { offset, length })) return false;
    const write = { id, sequence: ++this.#lastSequence, kind, offset, length, data, fua };
    this.#inflight.push(write);
    if (this.peer?.receivesWrites === true) this.#send(write);
    this.applyNext();
    return true;
  }

  #admitRead(id: number, request: Extract<ClientRequest, { kind: 'read' }>): boolean {
    const { state } = this.#core;
    if (state !== 'SERVING' && state !== 'SOLO' && state !== 'HOLDING') return false;
    if (!this.leaseHolds()) return false;
    const token = this.#core.nextToken();
    this.#core.effects.push({ type: 'disk-read', token, offset: request.offset, length: request.length });
    this.#reads.add(id);
    this.#core.await(token, (event) => {
      assert(event.type === 'read-done', 'a read is answered by read-done');
      // Refused meanwhile: this replica serves nobody, or serves anew.
      if (!this.#reads.delete(id)) return;
      if (event.failure !== undefined) this.#reply(id, { ok: false, failure: event.failure });
      // The lease is checked after the bytes were read: what was read under it may be answered late, nothing else.
      else if (this.leaseHolds() && event.data !== undefined) this.#reply(id, { ok: true, data: event.data });
      else this.submit(id, request);
    });
    return true;
  }

  #send(write: InflightWrite): void {
    const peer = this.peer;
    if (peer?.link === undefined || !peer.ready) return;
    const { sequence, offset, length, kind, data } = write;
    if (!peer.required) peer.catchUpBytes += data?.length ?? 0;
    this.#core.send(
      peer.link,
      {
        type: 'write',
        generation: this.#core.generation,
        sequence,
        offset,
        length,
        kind,
        stableSequence: this.#stableSequence,
      },
      data,
    );
  }

  #applied(write: InflightWrite, failure: DiskFailure | undefined): void {
    this.#applying = false;
    this.#inflight.shift();
    this.#appliedSequence = write.sequence;
    if (failure !== undefined) {
      // The peer has the write and this replica has not: they differ, so this one must not go on as if they didn't.
      if (this.peer?.receivesWrites === true) this.#onDiskFailure(failure);
      this.#reply(write.id, { ok: false, failure });
    } else {
      if (this.peer?.receivesWrites !== true) this.bytesWithoutPeer += write.length;
      if (write.fua) this.#flushFor(write.id);
      else this.#reply(write.id, { ok: true });
    }
    this.applyNext();
  }

  #flushFor(id: number): void {
    this.#flushWaiters.clients.push(id);
    this.#startFlushRound();
  }

  /** Flushes that wait together share one round; one round at a time. */
  #startFlushRound(): void {
    const waiters = this.#flushWaiters;
    if (this.#flushRound !== undefined || waiters.clients.length + waiters.then.length === 0) return;
    const needsPeer = this.peer?.required === true;
    const round: FlushRound = {
      flushId: ++this.#lastFlushId,
      upTo: this.#appliedSequence,
      waiters,
      localDone: false,
      peerDone: !needsPeer,
    };
    this.#flushWaiters = { clients: [], then: [] };
    this.#flushRound = round;
    if (needsPeer) this.#sendFlush(round);
    const token = this.#core.nextToken();
    this.#core.effects.push({ type: 'disk-flush', token });
    this.#core.await(token, (event) => {
      if (this.#flushRound !== round) return;
      if (event.type === 'disk-done' && event.failure === undefined) {
        round.localDone = true;
        this.#finishFlushRound();
      } else this.#flushFailed();
    });
  }

  #sendFlush(round: FlushRound): void {
    const peer = this.peer;
    // While a view is adopted the peer is not of its generation yet: `peerFollows` sends it.
    if (peer?.link === undefined || !peer.ready || this.adopting) return;
    this.#core.send(peer.link, { type: 'flush', generation: this.#core.generation, flushId: round.flushId });
  }

  #finishFlushRound(): void {
    const round = this.#flushRound;
    if (round === undefined || !round.localDone || !round.peerDone) return;
    this.#flushRound = undefined;
    this.#stableSequence = round.upTo;
    for (const id of round.waiters.clients) this.#reply(id, { ok: true });
    for (const then of round.waiters.then) then();
    this.#startFlushRound();
  }

  /**
   * After a failed fsync the kernel may have dropped the pages: to try again would be told "done" of data that is
   * gone. The waiting clients are refused; with a peer this replica hands over, alone it is out of service.
   */
  #flushFailed(): void {
    this.#onDiskFailure('EIO');
  }

  #reply(id: number, result: ClientResult): void {
    this.#core.effects.push({ type: 'reply', id, result });
  }
}
