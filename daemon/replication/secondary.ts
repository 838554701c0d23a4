/**
 * The follower's side of a link: takes writes and copies of one primary, in the order of the stream, one after the
 * other. It is also the fence: the lease that it grants is what lets the primary answer reads, and while one runs
 * that it granted, it does not serve.
 */
import { unreachable } from '../sys/errors.ts';
import type { Core, DiskWrite } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import { Fallback } from './fallback.ts';
import type { DiskFailure, Effect, ReplicaEvent } from './interface.ts';
import type { Message } from './messages.ts';
import { firstRegion, lastRegion, REGION_BYTES, type Region, type Sequence } from './units.ts';
import { UnstableRegions } from './unstable.ts';

type WriteMessage = Extract<Message, { type: 'write' }>;
type CopyMessage = Extract<Message, { type: 'copy-offer' | 'copy-data' | 'copy-zero' }>;
type Verify = Extract<Message, { type: 'verify' }>;
type VerifyHoles = Extract<Message, { type: 'verify-holes' }>;
type Other = Extract<Message, { type: 'pull' | 'flush' | 'fetch' | 'copy-begin' }>;

/** Regions: 16 MiB. */
const PRESERVED_AT_ONCE = 256;

interface Queued {
  readonly link: number;
  readonly message: WriteMessage | CopyMessage | Verify | VerifyHoles | Other;
  readonly payload: Uint8Array | undefined;
}

export class Secondary {
  readonly #core: Core;
  /** The link of the primary; frames of any other are not heard. */
  link: number | undefined;
  /** Of the primary's process. */
  primaryIncarnation = 0;
  lastHeardMs: number;
  /** On this host's clock: until then the primary may answer reads. */
  leaseGrantedUntilMs: number;
  /** What was written since both sides were last stable is known: this process took part in all of it. */
  unstableKnown = false;
  readonly fallback: Fallback;
  readonly #dirty: DirtyMaps;
  /** Its primary said hello to copy, and has not yet said that the copy begins. */
  awaitsBegin = false;

  #appliedSequence: Sequence = 0;
  #answeredSequence: Sequence = 0;
  /** The next write starts a new count: a copy began, or nothing is known of the numbers before. */
  #anySequence = true;
  readonly #unstable = new UnstableRegions();
  #queue: Queued[] = [];
  #busy = false;
  /** Of the last write that was given to the disk. */
  #begunSequence: Sequence = 0;
  /** A write of the primary is on its way to the disk. */
  #isWriting = false;

  constructor(core: Core, dirty: DirtyMaps, preserved: readonly Region[]) {
    this.#core = core;
    this.#dirty = dirty;
    this.fallback = new Fallback(core, preserved);
    this.lastHeardMs = core.nowMs;
    // What an earlier life of this process granted is not known any more; it was one lease at the most.
    this.leaseGrantedUntilMs = core.nowMs + core.options.leaseMs;
  }

  get appliedSequence(): Sequence {
    return this.#appliedSequence;
  }

  get unstable(): UnstableRegions {
    return this.#unstable;
  }

  /** The disk failed the write after those that are applied: it may be there in part. */
  get holdsPart(): boolean {
    return this.#begunSequence > this.#appliedSequence;
  }

  /** Of what came in, something waits, or is on its way to the disk. */
  get keepsPayloads(): boolean {
    return this.#busy || this.#queue.length > 0;
  }

  /** A primary will copy: numbers start anew. */
  beginJoin(): void {
    this.awaitsBegin = true;
    this.#anySequence = true;
    this.#begunSequence = 0;
    this.#appliedSequence = 0;
    this.#answeredSequence = 0;
  }

  /** The copy is complete, and up to here every write was sent: from now on none may be missing. */
  numberFrom(sequence: Sequence): void {
    if (!this.#anySequence || this.#isWriting) return;
    const next = this.#queue.find(({ message }) => message.type === 'write')?.message;
    this.#appliedSequence = next?.type === 'write' ? next.sequence - 1 : sequence;
    this.#begunSequence = this.#appliedSequence;
    this.#answeredSequence = this.#appliedSequence;
    this.#anySequence = false;
  }

  attach(link: number, primaryIncarnation: number): void {
    this.link = link;
    this.primaryIncarnation = primaryIncarnation;
    this.#queue = [];
    this.#answeredSequence = this.#appliedSequence;
  }

  detach(): void {
    this.link = undefined;
    this.#queue = [];
  }

  /** Of a frame whose link and generation were found right. */
  onFrame(message: Message, payload: Uint8Array | undefined): void {
    const link = this.link;
    if (link === undefined) return;
    switch (message.type) {
      case 'heartbeat':
        this.#unstable.stableUpTo(message.stableSequence);
        this.#grantLease(link, message.askedAtMs);
        return;
      case 'yield':
        this.leaseGrantedUntilMs = this.#core.nowMs;
        return;
      case 'scrubbed':
        this.#core.persist({ scrubbedTo: message.cursor }, () => undefined);
        return;
      case 'write':
      case 'pull':
      case 'flush':
      case 'fetch':
      case 'copy-begin':
      case 'copy-offer':
      case 'copy-data':
      case 'copy-zero':
      case 'verify':
      case 'verify-holes':
        if (this.awaitsBegin && message.type !== 'copy-begin') {
          this.#core.refuse(link, 'MALFORMED', `a ${message.type} before the copy begins`);
          return;
        }
        if (!this.#insideVolume(message)) {
          this.#core.refuse(link, 'MALFORMED', `a ${message.type} outside the volume`);
          return;
        }
        if (message.type === 'copy-begin') this.awaitsBegin = false;
        this.#queue.push({ link, message, payload });
        this.#next();
        return;
      default:
        this.#core.refuse(link, 'MALFORMED', `a ${message.type} is not for a secondary`);
    }
  }

  /** One answer for all writes that arrived together. */
  onBatchEnd(): void {
    if (this.link === undefined || this.#answeredSequence === this.#appliedSequence) return;
    this.#answeredSequence = this.#appliedSequence;
    this.#core.send(this.link, { type: 'write-answer', appliedSequence: this.#appliedSequence });
  }

  #insideVolume(message: Queued['message']): boolean {
    const { sizeBytes } = this.#core;
    if (message.type === 'write') return message.offset + message.length <= sizeBytes;
    const count = message.type === 'verify-holes' ? message.count : 1;
    return 'region' in message ? (message.region + count) * REGION_BYTES <= sizeBytes && count > 0 : true;
  }

  #grantLease(link: number, askedAtMs: number): void {
    const { leaseMs } = this.#core.options;
    this.leaseGrantedUntilMs = this.#core.nowMs + leaseMs;
    this.#core.send(link, {
      type: 'heartbeat-answer',
      generation: this.#core.generation,
      askedAtMs,
      leaseMs,
    });
  }

  #next(): void {
    while (!this.#busy) {
      const queued = this.#queue[0];
      if (queued === undefined || this.#preserves()) return;
      this.#queue.shift();
      this.#begin(queued);
    }
  }

  /** What the next change would destroy, and those behind it, is kept first: they share one trip to the disk. */
  #preserves(): boolean {
    const [next] = this.#queue;
    const { fallback } = this;
    if (next === undefined || !fallback.isNeeded) return false;
    if (changedBy(next.message).every((region) => fallback.has(region))) return false;
    const regions = new Set<Region>();
    for (const { message } of this.#queue) {
      for (const region of changedBy(message)) {
        if (regions.size >= PRESERVED_AT_ONCE) break;
        if (!fallback.has(region)) regions.add(region);
      }
    }
    this.#busy = true;
    fallback.preserve([...regions], () => {
      this.#busy = false;
      this.#next();
    });
    return true;
  }

  #begin({ link, message, payload }: Queued): void {
    switch (message.type) {
      case 'write':
        this.#write(link, message, payload);
        return;
      case 'flush':
        this.#flush(link, message.flushId);
        return;
      case 'pull':
        this.#sendUnstable(link);
        return;
      case 'fetch':
        this.#fetch(link, message.region);
        return;
      case 'copy-begin':
        this.#copyBegins(message.generation);
        return;
      case 'copy-offer':
        this.#compare(link, message.region, message.digest);
        return;
      case 'copy-data':
        this.#takeCopy(link, message.region, payload);
        return;
      case 'copy-zero':
        this.#takeCopy(link, message.region, undefined);
        return;
      case 'verify':
        this.#verify(link, message);
        return;
      case 'verify-holes':
        this.#verifyHoles(link, message);
        return;
      default:
        unreachable(message);
    }
  }

  /** The primary has made durable what may be missing here, this replica's own changes among it. */
  #copyBegins(generation: number): void {
    const { durable } = this.#core;
    if (!durable.mixed) this.fallback.drop();
    this.#busy = true;
    const copyFrom = { host: durable.view.primary, generation };
    const change = { mixed: true, blank: false, copyFrom, tracked: [] };
    const forgotten = this.#dirty.forgetAll();
    this.#core.persist(
      change,
      () => {
        this.#busy = false;
        // From here on every write is seen by this process.
        this.#unstable.clear();
        this.unstableKnown = true;
        this.#next();
      },
      forgotten,
    );
  }

  #write(link: number, message: WriteMessage, payload: Uint8Array | undefined): void {
    const { sequence, kind, offset, length } = message;
    this.#unstable.stableUpTo(message.stableSequence);
    // Sent again after a cut, and already here.
    if (!this.#anySequence && sequence <= this.#appliedSequence) return;
    if (!this.#anySequence && sequence !== this.#appliedSequence + 1) {
      this.#core.refuse(
        link,
        'MALFORMED',
        `write ${String(sequence)} after ${String(this.#appliedSequence)}`,
      );
      return;
    }
    const range = { offset, length };
    // Before the bytes: if this process goes on after half a write, the region counts as one that may differ.
    this.#unstable.written(firstRegion(range), lastRegion(range), sequence);
    this.#isWriting = true;
    this.#begunSequence = sequence;
    this.#onDisk(link, { kind, offset, length, data: payload }, () => {
      this.#anySequence = false;
      this.#appliedSequence = sequence;
    });
  }

  #takeCopy(link: number, region: Region, data: Uint8Array | undefined): void {
    const kind = data === undefined ? 'trim' : 'data';
    // Of a scrub: until a flush that covers a later write it may be lost again.
    if (this.#core.state === 'SECONDARY') this.#unstable.written(region, region, this.#appliedSequence + 1);
    this.#onDisk(link, { kind, offset: region * REGION_BYTES, length: REGION_BYTES, data }, () => {
      if (this.link === link) this.#core.send(link, { type: 'copy-answer', region, needed: false });
    });
  }

  #onDisk(link: number, write: DiskWrite, done: () => void): void {
    this.#busy = true;
    this.#core.write(write, (failure) => {
      this.#busy = false;
      this.#isWriting = false;
      if (failure === undefined) done();
      else this.#diskFailed(link, failure);
      this.#next();
    });
  }

  /** Runs beside later writes: it covers those before it, which are applied. */
  #flush(link: number, flushId: number): void {
    this.#core.flush((failure) => {
      if (failure !== undefined) this.#flushFailed(link, failure);
      else if (this.link === link) this.#core.send(link, { type: 'flush-answer', flushId });
    });
  }

  /**
   * Asked for by nobody else, of whatever part this replica has: what its disk lost has to be known, and durable, before
   * this process may die. The next one would find a disk whose flushes succeed.
   */
  flushAlone(): void {
    this.#core.flush((failure) => {
      if (failure !== undefined) this.#flushFailed(this.link, failure);
    });
  }

  #compare(link: number, region: Region, digest: Uint8Array): void {
    const answer = (needed: boolean): void => {
      if (this.link === link) this.#core.send(link, { type: 'copy-answer', region, needed });
    };
    this.#readRegion(
      { region, digest: true },
      (_data, own) => {
        answer(Buffer.compare(own, digest) !== 0);
      },
      // What cannot be read is written anew.
      () => {
        answer(true);
      },
    );
  }

  #verify(link: number, { id, region, digest }: Verify): void {
    this.#ask(
      (token) => ({ type: 'verify-region', token, region }),
      (event) => {
        if (event.type !== 'region-verified' || this.link !== link) return;
        const { soundness } = event;
        const equal = Buffer.compare(event.digest, digest) === 0;
        this.#core.send(link, { type: 'verified', id, equal, soundness });
      },
    );
  }

  #verifyHoles(link: number, { id, region: first, count }: VerifyHoles): void {
    this.#ask(
      (token) => ({ type: 'find-run', token, first, count }),
      (event) => {
        if (event.type !== 'run-found' || this.link !== link) return;
        this.#core.send(link, { type: 'verified-holes', id, count: event.areHoles ? event.count : 0 });
      },
    );
  }

  #fetch(link: number, region: Region): void {
    this.#readRegion(
      { region, digest: false },
      (data) => {
        if (this.link === link)
          this.#core.send(link, { type: 'fetched', region }, data ?? new Uint8Array(REGION_BYTES));
      },
      () => {
        this.#diskFailed(link, 'EIO');
      },
    );
  }

  #sendUnstable(link: number): void {
    this.#sendRegions(link, this.#unstable.regions(), 0);
  }

  /** One region at a time, so that pull-done stands behind the last in the stream. */
  #sendRegions(link: number, regions: readonly Region[], at: number): void {
    const region = regions[at];
    if (region === undefined) {
      if (this.link === link)
        this.#core.send(link, { type: 'pull-done', appliedSequence: this.#appliedSequence });
      return;
    }
    this.#readRegion(
      { region, digest: false },
      (data) => {
        if (this.link !== link) return;
        this.#core.send(link, { type: 'pull-region', region }, data ?? new Uint8Array(REGION_BYTES));
        this.#sendRegions(link, regions, at + 1);
      },
      () => {
        this.#diskFailed(link, 'EIO');
      },
    );
  }

  #readRegion(
    { region, digest }: { readonly region: Region; readonly digest: boolean },
    then: (data: Uint8Array | undefined, digest: Uint8Array) => void,
    onFailure: () => void,
  ): void {
    this.#ask(
      (token) => ({ type: 'read-region', token, region, from: 'live', digest }),
      (event) => {
        if (event.type !== 'region-done' || event.failure !== undefined) onFailure();
        else then(event.data, event.digest);
      },
    );
  }

  /** The next of the stream waits for the answer of the disk. */
  #ask(effectOf: (token: number) => Effect, then: (event: ReplicaEvent) => void): void {
    const token = this.#core.nextToken();
    this.#core.effects.push(effectOf(token));
    this.#busy = true;
    this.#core.await(token, (event) => {
      this.#busy = false;
      then(event);
      this.#next();
    });
  }

  /** Acknowledged writes may be gone from the cache without being on the disk: it is complete no more. */
  #flushFailed(link: number | undefined, failure: DiskFailure): void {
    const { state } = this.#core;
    if (state === 'SECONDARY' || state === 'JOINING') {
      this.#core.transition('STALE', `its disk failed a flush: ${failure}`);
      this.#core.persist({ complete: false, candidateFor: 0 }, () => undefined);
    }
    this.#diskFailed(link, failure);
  }

  /** A secondary that cannot write is a lost peer: it says so and takes nothing more, on whichever link there is now. */
  #diskFailed(link: number | undefined, failure: DiskFailure): void {
    const to = this.link ?? link;
    if (to !== undefined) this.#core.refuse(to, 'DISK', `the disk of ${this.#core.host} failed: ${failure}`);
  }
}

/** Regions that it writes to. */
function changedBy(message: Queued['message']): Region[] {
  switch (message.type) {
    case 'write': {
      const first = firstRegion(message);
      return Array.from({ length: lastRegion(message) - first + 1 }, (_unused, at) => first + at);
    }
    case 'copy-data':
    case 'copy-zero':
      return [message.region];
    default:
      return [];
  }
}
