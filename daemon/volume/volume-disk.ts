/**
 * What a replica's machine asks of its disk. Most of it is done at once and answered in the turn in which it was
 * asked; what takes long is answered by a turn of its own.
 */
import type { DiskFailure, Effect, ReplicaEvent } from '../replication/interface.ts';
import type { ByteRange } from '../replication/units.ts';
import type { Fallback } from '../store/fallback.ts';
import { RegionBuffers } from '../store/region-buffers.ts';
import { runAt } from '../store/runs.ts';
import { diskFailure, EMPTY_DIGEST, type Store } from '../store/store.ts';
import { messageOf } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';
import type { Link } from '../wire/link.ts';

type DiskWrite = Extract<Effect, { type: 'disk-write' }>;
type RegionRead = Extract<Effect, { type: 'read-region' }>;
type RegionVerify = Extract<Effect, { type: 'verify-region' }>;
export type DiskEffect = Extract<
  Effect,
  {
    type:
      | 'disk-write'
      | 'disk-read'
      | 'disk-flush'
      | 'read-region'
      | 'verify-region'
      | 'find-run'
      | 'take-snapshot'
      | 'preserve'
      | 'revert'
      | 'drop-fallback';
  }
>;

/** Where the bytes of a volume are, and those of its fallback. */
export interface Disk {
  readonly store: Store;
  readonly fallback: Fallback;
}

interface DiskWorld {
  readonly volume: string;
  readonly log: Log;
  /** A link in which much waits to be sent, if there is one. */
  congestedLink(): Link | undefined;
  answer(event: ReplicaEvent): void;
  /** What was kept for a copy that has ended cannot be removed. */
  dropFailed(error: unknown): void;
}

export class VolumeDisk {
  readonly #store: Store;
  readonly #fallback: Fallback;
  readonly #world: DiskWorld;
  readonly #buffers = new RegionBuffers();
  #dropped: Promise<void> = Promise.resolve();
  #closed = false;

  constructor({ store, fallback }: Disk, world: DiskWorld) {
    this.#store = store;
    this.#fallback = fallback;
    this.#world = world;
  }

  /** Resolves once what the machine dropped is gone from stable storage: what it persists behind that waits for it. */
  get dropped(): Promise<void> {
    return this.#dropped;
  }

  /** A region that was read to be sent, and is sent: its bytes are nobody's any more. */
  sent(region: Uint8Array): void {
    if (Buffer.isBuffer(region)) this.#buffers.giveBack(region);
  }

  /** Undefined: it is not in memory, or cannot be read. */
  readCached(range: ByteRange, into: Buffer | undefined): Buffer | undefined {
    try {
      return this.#store.readCached(range, into);
    } catch {
      // Whoever reads it again tells of it.
      return undefined;
    }
  }

  perform(effect: DiskEffect): void {
    switch (effect.type) {
      case 'disk-write':
        this.#write(effect);
        return;
      case 'disk-read':
        this.#read(effect);
        return;
      case 'disk-flush':
        this.#store.flush(this.#later(effect.token, 'flush'));
        return;
      case 'read-region':
        this.#readRegion(effect);
        return;
      case 'verify-region':
        this.#verify(effect);
        return;
      case 'find-run':
        this.#world.answer(this.#run(effect));
        return;
      case 'take-snapshot':
        void this.#takeSeed(effect);
        return;
      case 'preserve':
        this.#fallback.preserve(effect.regions, this.#later(effect.token, 'write of what a copy changes'));
        return;
      case 'revert':
        this.#fallback.revert(this.#later(effect.token, 'return to what there was before a copy'));
        return;
      case 'drop-fallback':
        this.#dropped = this.#fallback.drop().catch((error: unknown) => {
          this.#world.dropFailed(error);
        });
    }
  }

  close(): void {
    this.#closed = true;
    this.#fallback.close();
    this.#store.close();
  }

  /** Answers by a turn of its own. */
  #later(token: number, what: string): (failure: DiskFailure | undefined) => void {
    return (failure) => {
      if (failure !== undefined) this.#failed(what, failure);
      this.#answerAlone({ type: 'disk-done', token, ...(failure === undefined ? {} : { failure }) });
    };
  }

  #answerAlone(event: ReplicaEvent): void {
    this.#world.answer(event);
    this.#world.answer({ type: 'batch-end' });
  }

  /** The machine has no other write under way that touches the same bytes: this one may be done a turn later. */
  #write(effect: DiskWrite): void {
    const cold = this.#store.warmForWrite(effect);
    if (cold === undefined) {
      this.#world.answer(this.#written(effect));
      return;
    }
    // Whoever sent the bytes may have been refused by then, and its memory be another's.
    const kept = effect.data === undefined ? effect : { ...effect, data: Uint8Array.from(effect.data) };
    this.#onceWarm(cold, () => this.#written(kept));
  }

  /** Not asked of a disk that is closed. */
  #onceWarm(cold: Promise<void>, answer: () => ReplicaEvent): void {
    void cold.then(() => {
      if (!this.#closed) this.#answerAlone(answer());
    });
  }

  #written({ token, kind, offset, length, data }: DiskWrite): ReplicaEvent {
    try {
      if (data !== undefined) this.#store.write(offset, data);
      else this.#store.zero({ offset, length }, { keepSpace: kind === 'zero' });
      return { type: 'disk-done', token };
    } catch (error) {
      this.#failed('write', messageOf(error));
      return { type: 'disk-done', token, failure: diskFailure(error) };
    }
  }

  #read({ token, offset, length, into }: Extract<Effect, { type: 'disk-read' }>): void {
    const buffer = Buffer.isBuffer(into) ? into : undefined;
    try {
      const data = this.#store.readCached({ offset, length }, buffer);
      if (data !== undefined) this.#world.answer({ type: 'read-done', token, data });
      else
        this.#store.readLater({ offset, length }, (found) => {
          if (this.#closed) return;
          if (Buffer.isBuffer(found)) this.#answerAlone({ type: 'read-done', token, data: found });
          else this.#answerAlone(this.#readFailed(token, found));
        });
    } catch (error) {
      this.#world.answer(this.#readFailed(token, error));
    }
  }

  #readFailed(token: number, error: unknown): ReplicaEvent {
    this.#failed('read', messageOf(error));
    return { type: 'read-done', token, failure: diskFailure(error) };
  }

  /** Regions are read to be sent: not faster than they leave, or the link is cut for what waits in it. */
  #readRegion(effect: RegionRead): void {
    const cold = this.#store.warm(effect.region, effect.from);
    const congested = this.#world.congestedLink();
    if (cold === undefined && congested === undefined) {
      this.#world.answer(this.#region(effect));
      return;
    }
    const sent = new Promise<void>((resolve) => {
      if (congested === undefined) resolve();
      else congested.onceSent(resolve);
    });
    this.#onceWarm(
      sent.then(() => cold),
      () => this.#region(effect),
    );
  }

  #verify(effect: RegionVerify): void {
    const cold = this.#store.warm(effect.region, 'live');
    if (cold === undefined) this.#world.answer(this.#verified(effect));
    else this.#onceWarm(cold, () => this.#verified(effect));
  }

  #region({ token, region, from, digest }: RegionRead): ReplicaEvent {
    const into = this.#buffers.take();
    try {
      const content = this.#store.readRegion(region, { from, digest, into });
      if (content.data !== into) this.#buffers.giveBack(into);
      return { type: 'region-done', token, ...content };
    } catch (error) {
      this.#buffers.giveBack(into);
      this.#failed('read', messageOf(error));
      const failure = diskFailure(error);
      return { type: 'region-done', token, data: undefined, digest: EMPTY_DIGEST, failure };
    }
  }

  #verified({ token, region }: RegionVerify): ReplicaEvent {
    const into = this.#buffers.take();
    try {
      const { digest, intact } = this.#store.readRegion(region, {
        from: 'live',
        digest: true,
        verify: true,
        into,
      });
      const soundness = intact === undefined ? 'unknown' : intact ? 'intact' : 'damaged';
      return { type: 'region-verified', token, digest, soundness };
    } catch (error) {
      this.#failed('read', messageOf(error));
      return { type: 'region-verified', token, digest: EMPTY_DIGEST, soundness: 'damaged' };
    } finally {
      this.#buffers.giveBack(into);
    }
  }

  #run({ token, first, count }: Extract<Effect, { type: 'find-run' }>): ReplicaEvent {
    try {
      return { type: 'run-found', token, ...runAt(this.#store, first, count) };
    } catch (error) {
      this.#failed('look for holes', messageOf(error));
      return { type: 'run-found', token, areHoles: false, count };
    }
  }

  /** What changed since is read and handed over in one turn: no write can come between. */
  async #takeSeed({ token, snapshot: id }: Extract<Effect, { type: 'take-snapshot' }>): Promise<void> {
    let answer: ReplicaEvent;
    try {
      const found = this.#store.seed;
      const seed = found?.id === id ? found : await this.#store.takeSeed(id);
      answer = { type: 'snapshot-taken', token, allocated: seed.allocated, changed: seed.changedRegions() };
    } catch (error) {
      this.#failed('snapshot', messageOf(error));
      answer = { type: 'snapshot-taken', token, allocated: [], changed: [], failure: diskFailure(error) };
    }
    if (!this.#closed) this.#answerAlone(answer);
  }

  #failed(what: string, error: string): void {
    this.#world.log.error({ volume: this.#world.volume, error }, `the disk failed a ${what}`);
  }
}
