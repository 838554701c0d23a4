/**
 * What a replica's machine asks of its disk. Most of it is done at once and answered in the turn in which it was
 * asked; what takes long is answered by a turn of its own.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DiskFailure, Effect, ReplicaEvent } from '../replication/interface.ts';
import type { Fallback } from '../store/fallback.ts';
import { RegionBuffers } from '../store/region-buffers.ts';
import { diskFailure, type Store } from '../store/store.ts';
import { EMPTY_DIGEST } from '../store/volume-file.ts';
import { messageOf } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';
import type { Link } from '../wire/link.ts';

type DiskWrite = Extract<Effect, { type: 'disk-write' }>;
type RegionRead = Extract<Effect, { type: 'read-region' }>;
export type DiskEffect = Extract<
  Effect,
  {
    type:
      | 'disk-write'
      | 'disk-read'
      | 'disk-flush'
      | 'read-region'
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

/** Of a snapshot, in one turn of the loop: some 20 ms. */
const PRESERVED_AT_ONCE_BYTES = 8 * 1024 * 1024;

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
      case 'take-snapshot':
        this.#world.answer(this.#snapshot(effect));
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

  #write(effect: DiskWrite): void {
    const isLarge = effect.data === undefined && effect.length > PRESERVED_AT_ONCE_BYTES;
    if (isLarge && this.#store.snapshot !== undefined) void this.#zeroUnderSnapshot(effect);
    else this.#world.answer(this.#written(effect));
  }

  /**
   * What a snapshot still shows of up to 4 GiB is kept piece by piece: the leases and heartbeats of the whole host wait
   * for one turn. Nothing changes before the last, in which the range becomes zeroes.
   */
  async #zeroUnderSnapshot(effect: DiskWrite): Promise<void> {
    const end = effect.offset + effect.length;
    for (let offset = effect.offset; offset < end; offset += PRESERVED_AT_ONCE_BYTES) {
      try {
        this.#store.keepForSnapshot({ offset, length: Math.min(PRESERVED_AT_ONCE_BYTES, end - offset) });
      } catch {
        // What cannot be read now cannot be read below either, where the failure is told.
        break;
      }
      await nextTurn();
      if (this.#closed) return;
    }
    this.#answerAlone(this.#written(effect));
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

  #read({ token, offset, length }: Extract<Effect, { type: 'disk-read' }>): void {
    try {
      this.#world.answer({ type: 'read-done', token, data: this.#store.read({ offset, length }) });
    } catch (error) {
      this.#failed('read', messageOf(error));
      this.#world.answer({ type: 'read-done', token, failure: diskFailure(error) });
    }
  }

  /** Regions are read to be sent: not faster than they leave, or the link is cut for what waits in it. */
  #readRegion(effect: RegionRead): void {
    const congested = this.#world.congestedLink();
    if (congested === undefined) {
      this.#world.answer(this.#region(effect));
      return;
    }
    congested.onceSent(() => {
      if (!this.#closed) this.#answerAlone(this.#region(effect));
    });
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

  #snapshot({ token, snapshot: id }: Extract<Effect, { type: 'take-snapshot' }>): ReplicaEvent {
    try {
      const found = this.#store.snapshot;
      const snapshot = found?.id === id ? found : this.#store.takeSnapshot(id);
      const { allocated } = snapshot;
      return { type: 'snapshot-taken', token, allocated, changed: snapshot.changedRegions() };
    } catch (error) {
      this.#failed('snapshot', messageOf(error));
      return { type: 'snapshot-taken', token, allocated: [], changed: [], failure: diskFailure(error) };
    }
  }

  #failed(what: string, error: string): void {
    this.#world.log.error({ volume: this.#world.volume, error }, `the disk failed a ${what}`);
  }
}
