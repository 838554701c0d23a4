/**
 * The primary's data path: client requests in, answers out.
 *
 * A write is numbered, sent to the peers, applied here *after* the answer of each that is in the in-sync set, then
 * acknowledged. What this replica holds each of them holds too, at every instant; when this one dies, any survivor is
 * a superset. Writes are applied one after the other in their order, on all sides.
 */
import { assert, unreachable } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import { FlushRounds } from './flush.ts';
import type { ClientRequest, ClientResult, DiskFailure } from './interface.ts';
import type { WriteKind } from './messages.ts';
import type { Peer } from './peer.ts';
import type { ChangeKind } from './throttle.ts';
import {
  type ByteRange,
  firstRegion,
  type HostName,
  lastRegion,
  overlaps,
  REGION_BYTES,
  type Region,
  type Sequence,
} from './units.ts';
import { UnstableRegions } from './unstable.ts';

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

type ReadRequest = Extract<ClientRequest, { kind: 'read' }>;

export interface PrimaryHooks {
  readonly onDiskFailure: (failure: DiskFailure) => void;
  /** A read that the own disk failed. False: nobody can help. */
  readonly repair: (id: number, request: ReadRequest) => boolean;
  /** A write was taken. */
  readonly onWrite: (range: ByteRange) => void;
  /** A client's request to change something was answered, so long after it came. */
  readonly onLatency: (ms: number, kind: ChangeKind) => void;
}

/** Unacknowledged bytes to a peer that is still being copied to: above it, clients wait for the peer. */
const CATCH_UP_WINDOW_BYTES = 16 * 1024 * 1024;

export class Primary {
  readonly #core: Core;
  readonly #dirty: DirtyMaps;
  readonly #hooks: PrimaryHooks;
  readonly #flushes: FlushRounds;
  /** Those that get live writes: the in-sync set, and a target that is about to be taken into it. */
  readonly peers = new Map<HostName, Peer>();
  /** Regions being read for a copy or a scrub, or repaired, the oldest first: no write that overlaps one is taken. */
  readonly locks = new Set<ByteRange>();
  /** Set while a new view is being made durable: nothing new is taken in between. */
  adopting = false;
  /** `unstable` has all in which this replica may differ from those that were in its set: it saw its whole reign. */
  unstableKnown = false;

  #lastSequence: Sequence = 0;
  #sentSequence: Sequence = 0;
  #appliedSequence: Sequence = 0;
  /** Written since a flush that completed on all in-sync replicas: where they may differ if one is lost. */
  readonly #unstable = new UnstableRegions();
  #held: HeldRequest[] = [];
  /** When each request that is held or in flight came. */
  readonly #cameAtMs = new Map<number, number>();
  /** In sequence order; the first one is being applied, or none. */
  #inflight: InflightWrite[] = [];
  #applyingSinceMs: number | undefined;
  /** Reads that the disk has not answered, with when it was asked. */
  readonly #reads = new Map<number, number>();

  constructor(core: Core, dirty: DirtyMaps, hooks: PrimaryHooks) {
    this.#core = core;
    this.#dirty = dirty;
    this.#hooks = hooks;
    dirty.onMarked = () => {
      this.applyNext();
    };
    this.#flushes = new FlushRounds(core, {
      peers: this.peers,
      isAdopting: () => this.adopting,
      appliedSequence: () => this.#appliedSequence,
      onStable: (sequence) => {
        this.#unstable.stableUpTo(sequence);
      },
      reply: (id, result) => {
        this.#reply(id, result, 'flush');
      },
    });
  }

  get appliedSequence(): Sequence {
    return this.#appliedSequence;
  }

  /** The last write that went to the peers. */
  get sentSequence(): Sequence {
    return this.#sentSequence;
  }

  get stableSequence(): Sequence {
    return this.#flushes.stableSequence;
  }

  get heldRequests(): number {
    return this.#held.length + this.#inflight.length;
  }

  /** How long the oldest write in flight has waited. */
  get oldestChangeMs(): number {
    const [oldest] = this.#inflight;
    const cameAtMs = oldest === undefined ? undefined : this.#cameAtMs.get(oldest.id);
    return cameAtMs === undefined ? 0 : this.#core.nowMs - cameAtMs;
  }

  get unstable(): UnstableRegions {
    return this.#unstable;
  }

  /** Those whose answer a write needs, and whose lease a read. */
  get required(): readonly Peer[] {
    return [...this.peers.values()].filter((peer) => peer.required);
  }

  /** In words. */
  get inSyncWith(): string {
    return `in sync with ${this.required.map(({ host }) => host).join(' and ')}`;
  }

  /** A write waits for somebody's answer. */
  get isReplicated(): boolean {
    for (const peer of this.peers.values()) if (peer.required) return true;
    return false;
  }

  /** Since when the own disk owes an answer; undefined: it owes none. */
  get diskBusySinceMs(): number | undefined {
    const [oldestRead] = this.#reads.values();
    const since = Math.min(
      oldestRead ?? Infinity,
      this.#applyingSinceMs ?? Infinity,
      this.#flushes.localSinceMs ?? Infinity,
    );
    return since === Infinity ? undefined : since;
  }

  /**
   * A reign begins: sequence numbers go on where the secondary is. What was stable in an earlier one of this process
   * was counted by other numbers, and said of these it would make the secondary forget what it holds unstable.
   * `unstable`: where in-sync replicas may still differ if one of them is lost.
   */
  continueFrom(sequence: Sequence, unstable: Iterable<Region>): void {
    assert(this.#inflight.length === 0, 'sequence numbers are only set before anything is in flight');
    this.#lastSequence = sequence;
    this.#sentSequence = sequence;
    this.#appliedSequence = sequence;
    this.#flushes.startAnew();
    this.unstableKnown = true;
    this.#unstable.clear();
    for (const region of unstable) this.#unstable.written(region, region, sequence);
  }

  submit(id: number, request: ClientRequest): void {
    if (!this.#cameAtMs.has(id)) this.#cameAtMs.set(id, this.#core.nowMs);
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
    for (const id of [...this.#cameAtMs.keys()]) this.#reply(id, refused);
    this.#held = [];
    this.#inflight = [];
    this.#reads.clear();
    this.#applyingSinceMs = undefined;
    this.#flushes.abandon();
  }

  leaseHolds(nowMs = this.#core.nowMs): boolean {
    for (const peer of this.peers.values()) if (peer.required && nowMs >= peer.leaseUntilMs) return false;
    return true;
  }

  /**
   * Until when, as things are. Infinity: nobody's lease is needed; -Infinity: not now. Undefined: a process that has just
   * started does not know what was granted to the one before, nor one that is being promoted.
   */
  get answersReadsUntilMs(): number | undefined {
    const { state } = this.#core;
    if (state === 'RECOVERING' || state === 'PROMOTING') return undefined;
    if (state !== 'SERVING' && state !== 'SOLO' && state !== 'HOLDING') return -Infinity;
    return Math.min(...this.required.map(({ leaseUntilMs }) => leaseUntilMs));
  }

  /** What this replica's disk holds may be told to clients. */
  mayAnswerReads(nowMs: number): boolean {
    const { state } = this.#core;
    if (state !== 'SERVING' && state !== 'SOLO' && state !== 'HOLDING') return false;
    return this.leaseHolds(nowMs);
  }

  overlapsInflight(range: ByteRange): boolean {
    return this.#inflight.some((write) => overlaps(write, range));
  }

  /** What is locked changes by nothing any more: no write to it is in flight, and nobody has locked it before. */
  isQuiet(lock: ByteRange): boolean {
    for (const other of this.locks) {
      if (other === lock) break;
      if (overlaps(other, lock)) return false;
    }
    return !this.overlapsInflight(lock);
  }

  /** So many of these regions, from the first on, have no write in flight and are not locked. */
  quietRegions(first: Region, count: number): number {
    const range = { offset: first * REGION_BYTES, length: count * REGION_BYTES };
    let end = first + count;
    for (const busy of [...this.#inflight, ...this.locks])
      if (busy.length > 0 && overlaps(busy, range)) end = Math.min(end, Math.max(first, firstRegion(busy)));
    return end - first;
  }

  /** Another replica was given the region anew: until a flush that covers a later write it may lose that again. */
  rewritten(region: Region): void {
    this.#unstable.written(region, region, this.#lastSequence + 1);
  }

  /** Regions of writes that are not applied yet: a target that is connected now will not see them in the stream. */
  inflightRegions(): readonly Region[] {
    const regions = new Set<Region>();
    for (const write of this.#inflight)
      for (let region = firstRegion(write); region <= lastRegion(write); region++) regions.add(region);
    return [...regions];
  }

  /** False: it answers what was never sent, so that nothing it says can be built on. */
  onWriteAnswer(peer: Peer, appliedSequence: Sequence): boolean {
    if (this.peers.get(peer.host) !== peer) return true;
    if (appliedSequence > this.#sentSequence) return false;
    if (appliedSequence <= peer.ackedSequence) return true;
    peer.ackedSequence = appliedSequence;
    if (appliedSequence === this.#sentSequence) peer.catchUpBytes = 0;
    peer.proven = true;
    this.#answered(peer);
    this.applyNext();
    this.retryHeld();
    return true;
  }

  /**
   * The link stands again, and the peer has applied up to here: what it lacks is sent again, in order. False: it is
   * behind what it answered, or holds what was never sent.
   */
  resume(peer: Peer, appliedSequence: Sequence): boolean {
    assert(peer.ready, 'only a ready peer is resumed');
    if (appliedSequence < peer.ackedSequence) return false;
    for (const write of this.#inflight)
      if (write.sequence > appliedSequence && write.sequence <= this.#sentSequence) this.#send(peer, write);
    this.#flushes.sendTo(peer);
    const sound = this.onWriteAnswer(peer, appliedSequence);
    this.retryHeld();
    return sound;
  }

  /** The peer gets no writes any more: what waited only for it goes on. */
  peerDropped(peer: Peer): void {
    this.peers.delete(peer.host);
    this.#flushes.peerDropped(peer);
    this.applyNext();
    this.retryHeld();
  }

  /** Calls back when everything acknowledged so far is on stable storage, on each replica that is required. */
  flush(done: () => void): void {
    this.#flushes.request({ then: done });
  }

  /** The peer was told of the generation that was adopted: a flush that waited meanwhile may name it. */
  peerFollows(peer: Peer): void {
    this.#flushes.sendTo(peer);
  }

  /** False: of no round of the clients. */
  onFlushAnswer(peer: Peer, flushId: number): boolean {
    if (!this.#flushes.onAnswer(peer, flushId)) return false;
    peer.proven = true;
    this.#answered(peer);
    return true;
  }

  nextFlushId(): number {
    return this.#flushes.nextId();
  }

  applyNext(): void {
    this.#sendMarked();
    const write = this.#inflight[0];
    if (write === undefined || this.#applyingSinceMs !== undefined) return;
    for (const peer of this.peers.values()) if (peer.required && write.sequence > peer.ackedSequence) return;
    if (write.sequence > this.#sentSequence) return;
    this.#applyingSinceMs = this.#core.nowMs;
    this.#core.write(write, (failure) => {
      if (this.#inflight[0] === write) this.#applied(write, failure);
    });
  }

  /** A read whose regions were repaired, or cannot be. */
  readAgain(id: number, request: ReadRequest): void {
    if (this.#cameAtMs.has(id)) this.submit(id, request);
  }

  failRead(id: number, failure: DiskFailure): void {
    if (this.#cameAtMs.has(id)) this.#reply(id, { ok: false, failure });
  }

  #admit(id: number, request: ClientRequest): boolean {
    switch (request.kind) {
      case 'read':
        return this.#admitRead(id, request);
      case 'flush':
        if (!this.#takesChanges()) return false;
        this.#flushes.request({ client: id });
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
    for (const peer of this.peers.values()) if (peer.receivesWrites && !peer.ready) return false;
    return true;
  }

  #overlapsHeld(range: ByteRange): boolean {
    return this.#held.some(({ request }) => {
      if (request.kind === 'read' || request.kind === 'flush') return false;
      const length = request.kind === 'write' ? request.data.length : request.length;
      return overlaps({ offset: request.offset, length }, range);
    });
  }

  #admitWrite(
    id: number,
    { offset, fua }: { readonly offset: number; readonly fua: boolean },
    kind: WriteKind,
    length: number,
    data: Uint8Array | undefined,
  ): boolean {
    if (!this.#takesChanges()) return false;
    const range = { offset, length };
    for (const lock of this.locks) if (overlaps(lock, range)) return false;
    // Not ahead of one that came before: it would be undone by it, long after its client has given that one up.
    if (this.#overlapsHeld(range)) return false;
    for (const peer of this.peers.values()) if (peer.catchUpBytes > CATCH_UP_WINDOW_BYTES) return false;
    const write = { id, sequence: ++this.#lastSequence, kind, offset, length, data, fua };
    this.#inflight.push(write);
    this.#hooks.onWrite(range);
    this.#dirty.mark(range);
    if (this.peers.size > 0) this.#unstable.written(firstRegion(range), lastRegion(range), write.sequence);
    this.applyNext();
    return true;
  }

  /**
   * In order, and only what the dirty maps name on stable storage: if this process dies, what others hold of it has to
   * be known to differ from a replica that got nothing.
   */
  #sendMarked(): void {
    // The peers are told of the generation first.
    if (this.adopting) return;
    const unsent = Math.min(this.#inflight.length, this.#lastSequence - this.#sentSequence);
    for (let at = this.#inflight.length - unsent; at < this.#inflight.length; at++) {
      const write = this.#inflight[at];
      if (write === undefined || !this.#dirty.isMarked(write)) return;
      this.#sentSequence = write.sequence;
      for (const peer of this.peers.values()) if (peer.receivesWrites) this.#send(peer, write);
    }
  }

  #admitRead(id: number, request: ReadRequest): boolean {
    if (!this.mayAnswerReads(this.#core.nowMs)) return false;
    const token = this.#core.nextToken();
    const { offset, length, into } = request;
    this.#core.effects.push(
      into === undefined
        ? { type: 'disk-read', token, offset, length }
        : { type: 'disk-read', token, offset, length, into },
    );
    this.#reads.set(id, this.#core.nowMs);
    this.#core.await(token, (event) => {
      assert(event.type === 'read-done', 'a read is answered by read-done');
      // Refused meanwhile: this replica serves nobody, or serves anew.
      if (!this.#reads.delete(id)) return;
      if (event.failure !== undefined) {
        if (!this.#hooks.repair(id, request)) this.#reply(id, { ok: false, failure: event.failure });
      }
      // The lease is checked after the bytes were read: what was read under it may be answered late, nothing else.
      else if (this.leaseHolds() && event.data !== undefined) this.#reply(id, { ok: true, data: event.data });
      else this.submit(id, request);
    });
    return true;
  }

  #send(peer: Peer, write: InflightWrite): void {
    if (peer.link === undefined || !peer.ready) return;
    const { sequence, offset, length, kind, data } = write;
    const { generation, nowMs } = this.#core;
    if (!peer.required) peer.catchUpBytes += data?.length ?? 0;
    peer.waitingSinceMs ??= nowMs;
    const { stableSequence } = this;
    this.#core.send(
      peer.link,
      { type: 'write', generation, sequence, offset, length, kind, stableSequence },
      data,
    );
  }

  #answered(peer: Peer): void {
    const owes = peer.ackedSequence < this.#sentSequence || this.#flushes.waitsFor(peer);
    peer.waitingSinceMs = owes ? this.#core.nowMs : undefined;
  }

  #applied(write: InflightWrite, failure: DiskFailure | undefined): void {
    this.#applyingSinceMs = undefined;
    this.#inflight.shift();
    this.#appliedSequence = write.sequence;
    if (failure !== undefined) {
      // A peer has the write and this replica has not: they differ, so this one must not go on as if they didn't.
      if (this.peers.size > 0) this.#hooks.onDiskFailure(failure);
      this.#reply(write.id, { ok: false, failure });
    } else if (write.fua) this.#flushes.request({ client: write.id });
    else this.#reply(write.id, { ok: true });
    this.applyNext();
  }

  #reply(id: number, result: ClientResult, kind: ChangeKind = 'write'): void {
    const cameAtMs = this.#cameAtMs.get(id);
    if (cameAtMs === undefined) return;
    this.#cameAtMs.delete(id);
    if (result.ok && result.data === undefined) this.#hooks.onLatency(this.#core.nowMs - cameAtMs, kind);
    this.#core.effects.push({ type: 'reply', id, result });
  }
}
