/** A volume of the layered store as a replica uses it. */
import { createHash } from 'node:crypto';
import type { DiskFailure } from '../replication/interface.ts';
import { type ByteRange, REGION_BYTES, type Region, regionRange } from '../replication/units.ts';
import { LockstepError } from '../sys/errors.ts';
import { KeyedMutex } from '../sys/keyed-mutex.ts';
import type { LayerStore } from './layers/layer-store.ts';
import type { LayeredVolume } from './layers/layered-volume.ts';
import type { SnapshotView } from './layers/snapshot-view.ts';
import type { Stack } from './layers/stack.ts';
import {
  diskFailure,
  EMPTY_DIGEST,
  type Extent,
  type RegionContent,
  type RegionRead,
  type Seed,
  type Store,
} from './store.ts';

const zeroRegion = Buffer.alloc(REGION_BYTES);
const zeroDigest = createHash('sha256').update(zeroRegion).digest();

/** Of its name: no snapshot that a person takes begins so. */
const SEED_PREFIX = '.seed-';

interface OpenSeed extends Seed {
  readonly view: SnapshotView;
}

export class LayeredDisk implements Store {
  readonly #store: LayerStore;
  readonly #volume: LayeredVolume;
  readonly #seeds = new KeyedMutex();
  #seed: OpenSeed | undefined;
  #closed = false;
  onSeedLost: (error: unknown) => void = () => undefined;

  constructor(store: LayerStore, volume: LayeredVolume) {
    this.#store = store;
    this.#volume = volume;
  }

  get sizeBytes(): number {
    return this.#volume.sizeBytes;
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

  write(offset: number, data: Uint8Array): void {
    this.#withRoom(() => {
      this.#volume.write(offset, data);
    });
  }

  zero(range: ByteRange, options: { readonly keepSpace: boolean }): void {
    this.#withRoom(() => {
      this.#volume.zero(range, options);
    });
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

  allocatedRegions(): Region[] {
    return regionsWithData(this.#volume.stack, this.sizeBytes);
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

  /**
   * Under a seed a region that is written for the first time takes room. Where there is none, the seed ends and not the
   * write: a copy can be begun anew, a file system above that is told of an error stops its database.
   */
  #withRoom(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (this.#seed === undefined || diskFailure(error) !== 'ENOSPC' || !this.#volume.thawAll()) throw error;
      this.#seed.view.close();
      const { id } = this.#seed;
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
