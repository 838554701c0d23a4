/** A volume of the layered store as a replica uses it. */
import { createHash } from 'node:crypto';
import type { DiskFailure } from '../replication/interface.ts';
import { type ByteRange, REGION_BYTES, type Region, regionRange } from '../replication/units.ts';
import { LockstepError } from '../sys/errors.ts';
import { KeyedMutex } from '../sys/keyed-mutex.ts';
import type { RegionRun } from './layers/layer-map.ts';
import type { LayerStore } from './layers/layer-store.ts';
import type { LayeredVolume } from './layers/layered-volume.ts';
import type { SnapshotView } from './layers/snapshot-view.ts';
import type { Stack } from './layers/stack.ts';
import { noRoom, type Space } from './space.ts';
import {
  diskFailure,
  EMPTY_DIGEST,
  type Extent,
  type RangeDone,
  type RegionContent,
  type RegionRead,
  type Seed,
  type Store,
} from './store.ts';

const zeroRegion = Buffer.alloc(REGION_BYTES);
const zeroDigest = createHash('sha256').update(zeroRegion).digest();

/** Of its name: no snapshot that a person takes begins so. */
const SEED_PREFIX = '.seed-';

/** By which a seed is taken and dropped, of the snapshot that keeps it. */
export const seedIdOf = (snapshot: string): string =>
  snapshot.startsWith(SEED_PREFIX) ? snapshot.slice(SEED_PREFIX.length) : snapshot;

interface OpenSeed extends Seed {
  readonly view: SnapshotView;
}

export class LayeredDisk implements Store {
  readonly #store: LayerStore;
  readonly #volume: LayeredVolume;
  readonly #space: Space | undefined;
  readonly #punchesHoles: boolean;
  readonly #seeds = new KeyedMutex();
  #seed: OpenSeed | undefined;
  #closed = false;
  onSeedLost: (error: unknown) => void = () => undefined;
  onSyncFailed: () => void = () => undefined;

  /** `space`: of the file system that it stands on; without it, that has as much room as there is. */
  constructor(store: LayerStore, volume: LayeredVolume, space?: Space) {
    this.#space = space;
    this.#store = store;
    this.#volume = volume;
    this.#punchesHoles = volume.head.data.punchesHoles;
    volume.onFailed = () => {
      if (!this.#closed) this.onSyncFailed();
    };
  }

  get sizeBytes(): number {
    return this.#volume.sizeBytes;
  }

  /** Also of what older layers hold: that it is zeroes now is an entry in a map. */
  get zeroesFast(): boolean {
    return this.#punchesHoles;
  }

  get allocatedBytes(): number {
    let bytes = 0;
    for (const layer of this.#volume.stack.layers()) bytes += layer.allocatedBytes;
    return bytes;
  }

  get seed(): Seed | undefined {
    return this.#seed;
  }

  read(range: ByteRange): Buffer {
    return this.#volume.read(range);
  }

  readCached(range: ByteRange, into?: Buffer): Buffer | undefined {
    return this.#volume.stack.rangeCached(range, into);
  }

  readLater(range: ByteRange, done: RangeDone): void {
    this.#volume.stack.rangeLater(range, done);
  }

  warmForWrite(range: ByteRange): Promise<void> | undefined {
    return this.#volume.warmForWrite(range);
  }

  write(offset: number, data: Uint8Array): void {
    this.#withRoom(() => {
      this.#takeRoom({ offset, length: data.length });
      this.#volume.write(offset, data);
    });
  }

  zero(range: ByteRange, options: { readonly keepSpace: boolean }): void {
    this.#withRoom(() => {
      if (options.keepSpace) this.#takeRoom(range);
      this.#volume.zero(range, options);
    });
  }

  /** A seed is no reason to need room: it ends before the write does. */
  bytesNeeded(range: ByteRange): number {
    return this.#volume.bytesNeeded(range, { thawed: true });
  }

  flush(done: (failure: DiskFailure | undefined) => void): void {
    this.#volume.flush((error) => {
      done(error === undefined ? undefined : diskFailure(error));
    });
  }

  extents(range: ByteRange): Iterable<Extent> {
    return this.#volume.stack.extents(range);
  }

  readRegion(region: Region, { from, digest, verify, into }: RegionRead): RegionContent {
    const stack = from === 'live' ? this.#volume.stack : this.#seed?.view.stack;
    if (stack === undefined)
      throw new LockstepError('NOT_FOUND', `volume ${this.#volume.name} has no such snapshot any more`);
    const range = regionRange(region);
    const intact = verify === true ? this.#store.isIntact(stack, region) : undefined;
    const zeroes = { data: undefined, digest: digest ? zeroDigest : EMPTY_DIGEST, intact };
    if (intact === false) return { data: undefined, digest: EMPTY_DIGEST, intact };
    // A hole is zeroes without a look: to read one fills the page cache with them, at 90 us a region.
    if (!stack.owner(region).holdsData(range)) return zeroes;
    const data = into ?? Buffer.allocUnsafe(REGION_BYTES);
    stack.read(data, range.offset);
    if (data.equals(zeroRegion)) return zeroes;
    return { data, digest: digest ? createHash('sha256').update(data).digest() : EMPTY_DIGEST, intact };
  }

  warm(region: Region, from: RegionRead['from']): Promise<void> | undefined {
    const stack = from === 'live' ? this.#volume.stack : this.#seed?.view.stack;
    return stack?.warm(regionRange(region));
  }

  prefetch(range: ByteRange): void {
    this.#volume.stack.prefetch(range);
  }

  allocatedRegions(): Region[] {
    return regionsWithData(this.#volume.stack, this.sizeBytes);
  }

  get snapshots(): readonly string[] {
    const kept = this.#store.snapshots(this.#volume.name).filter(({ purpose }) => purpose === 'kept');
    return kept.map(({ name }) => name);
  }

  changedSince(snapshot: string, within: RegionRun): readonly RegionRun[] | undefined {
    if (!this.snapshots.includes(snapshot)) return undefined;
    return this.#store.diff(this.#volume.name, snapshot, undefined, within);
  }

  takeSeed(id: string): Promise<Seed> {
    return this.#seeds.run(SEED_PREFIX, async () => {
      await this.#drop();
      return this.#take(id);
    });
  }

  dropSeed(): Promise<void> {
    return this.#seeds.run(SEED_PREFIX, () => this.#drop());
  }

  close(): void {
    this.#closed = true;
    this.#seed?.view.close();
    this.#seed = undefined;
  }

  async #take(id: string): Promise<Seed> {
    const { name } = this.#volume;
    await this.#store.snapshot(name, `${SEED_PREFIX}${id}`, { quiesced: false, purpose: 'seed' });
    const view = this.#store.openSnapshot(name, `${SEED_PREFIX}${id}`);
    const seed: OpenSeed = {
      id,
      view,
      allocated: regionsWithData(view.stack, view.sizeBytes),
      changedRegions: () => this.#volume.stack.heldAbove(view.stack.top),
    };
    if (this.#closed) view.close();
    else this.#seed = seed;
    return seed;
  }

  async #drop(): Promise<void> {
    const seed = this.#seed;
    if (seed === undefined) return;
    this.#seed = undefined;
    seed.view.close();
    await this.#store.deleteSnapshot(this.#volume.name, `${SEED_PREFIX}${seed.id}`);
  }

  #takeRoom(range: ByteRange): void {
    const space = this.#space;
    if (space === undefined) return;
    if (!space.hasRoom(range.length, 'store')) {
      const needed = this.#volume.bytesNeeded(range, { thawed: false });
      if (needed > 0 && !space.hasRoom(needed, 'store')) throw noRoom();
    }
    space.taken(range.length);
  }

  /**
   * Under a seed a region that is written for the first time takes room. Where there is none, the seed ends and not the
   * write: a copy can be begun anew, a file system above that is told of an error stops its database.
   */
  #withRoom(write: () => void): void {
    try {
      write();
    } catch (error) {
      const seed = this.#seed;
      if (
        seed === undefined ||
        diskFailure(error) !== 'ENOSPC' ||
        !this.#volume.thawFrom(seed.view.stack.top)
      )
        throw error;
      seed.view.close();
      const { id } = seed;
      this.#seed = undefined;
      // Where there is no room for a record either, its record ends with this process.
      this.#store.deleteSnapshot(this.#volume.name, `${SEED_PREFIX}${id}`).catch(() => undefined);
      this.onSeedLost(error);
      write();
    }
  }
}

function regionsWithData(stack: Stack, sizeBytes: number): Region[] {
  const regions: Region[] = [];
  let next = 0;
  for (const { offset, length, kind } of stack.extents({ offset: 0, length: sizeBytes })) {
    if (kind === 'hole') continue;
    const end = Math.ceil((offset + length) / REGION_BYTES);
    for (let region = Math.max(next, Math.floor(offset / REGION_BYTES)); region < end; region++)
      regions.push(region);
    next = Math.max(next, end);
  }
  return regions;
}
