/**
 * One layer of a volume: a sparse file with byte n of the volume at byte n, and the map of the regions that it holds.
 * The bottom of a stack has no map: it holds all.
 */
import { type ByteRange, REGION_BYTES } from '../../replication/units.ts';
import { assert } from '../../sys/errors.ts';
import type { BlockFile } from '../files.ts';
import type { LayerId } from './catalogue.ts';
import type { LayerMap, RegionRun } from './layer-map.ts';
import { Transitional } from './transitional.ts';

interface LayerParts {
  readonly map: LayerMap | undefined;
  readonly parent: Layer | undefined;
  readonly regionBytes: number;
}

/** Of a region of so many bytes. */
export function regionRangeOf(region: number, regionBytes: number): ByteRange {
  return { offset: region * regionBytes, length: regionBytes };
}

/** What is read only to be in memory goes here, all of it at once: nobody looks at it. */
const thrownAway = Buffer.allocUnsafeSlow(REGION_BYTES);

export class Layer {
  readonly id: LayerId;
  readonly data: BlockFile;
  map: LayerMap | undefined;
  parent: Layer | undefined;
  /** Since its last flush. */
  #transitional = new Transitional();
  /** Who works with the files at this moment: they are closed after that. */
  #users = 0;
  #isClosed = false;
  /** Of the first sync that failed. */
  #syncFailure: Error | undefined;
  #syncs = 0;
  readonly #waiting: (() => void)[] = [];
  /** Called when a sync failed. */
  onSyncFailed: (error: Error) => void = () => undefined;

  readonly #regionBytes: number;
  /** Regions whose bytes do not fit their checksums. */
  #damaged: ReadonlySet<number> | undefined;

  constructor(id: LayerId, data: BlockFile, { map, parent, regionBytes }: LayerParts) {
    this.id = id;
    this.data = data;
    this.map = map;
    this.parent = parent;
    this.#regionBytes = regionBytes;
  }

  get allocatedBytes(): number {
    return this.data.allocatedBytes + (this.map?.allocatedBytes ?? 0);
  }

  get isTransitional(): boolean {
    return !this.#transitional.isEmpty;
  }

  /** Throws EIO for what is known to be damaged. */
  read(into: Uint8Array, offset: number): void {
    if (this.#damaged !== undefined) this.#refuseDamaged({ offset, length: into.length });
    this.readUnchecked(into, offset);
  }

  /** A layer may be of a time when the volume was smaller: behind its end there are zeroes. */
  readUnchecked(into: Uint8Array, offset: number): void {
    const inside = Math.max(0, Math.min(into.length, this.data.sizeBytes - offset));
    if (inside > 0) this.data.read(inside === into.length ? into : into.subarray(0, inside), offset);
    if (inside < into.length) into.fill(0, inside);
  }

  /** From memory alone. False: some of it is not there, and what `into` holds is nothing. Throws as `read` does. */
  readCached(into: Uint8Array, offset: number): boolean {
    if (this.#damaged !== undefined) this.#refuseDamaged({ offset, length: into.length });
    const inside = Math.max(0, Math.min(into.length, this.data.sizeBytes - offset));
    const part = inside === into.length ? into : into.subarray(0, inside);
    if (inside > 0 && this.data.readCached(part, offset) < inside) return false;
    if (inside < into.length) into.fill(0, inside);
    return true;
  }

  /** Calls back in a later turn, or throws as `read` does. The files stay open until then. */
  readLater(into: Uint8Array, offset: number, done: (error: Error | undefined) => void): void {
    if (this.#damaged !== undefined) this.#refuseDamaged({ offset, length: into.length });
    const inside = Math.max(0, Math.min(into.length, this.data.sizeBytes - offset));
    into.fill(0, inside);
    if (inside === 0) {
      queueMicrotask(() => {
        done(undefined);
      });
      return;
    }
    this.hold();
    this.data.readLater(inside === into.length ? into : into.subarray(0, inside), offset, (error) => {
      this.release();
      done(error ?? undefined);
    });
  }

  /**
   * Brings what the file has of a range, a region at most, into the page cache; undefined: it is there already. What
   * cannot be read is told to whoever reads it.
   */
  warm(range: ByteRange): Promise<void> | undefined {
    if (!this.holdsData(range)) return undefined;
    const length = Math.min(range.length, this.data.sizeBytes - range.offset);
    const into = thrownAway.subarray(0, length);
    if (this.data.readCached(into, range.offset) === into.length) return undefined;
    this.hold();
    return new Promise((resolve) => {
      this.data.readLater(into, range.offset, () => {
        this.release();
        resolve();
      });
    });
  }

  holdsData({ offset, length }: ByteRange): boolean {
    const inside = Math.min(length, this.data.sizeBytes - offset);
    return inside > 0 && this.data.holdsData({ offset, length: inside });
  }

  prefetch({ offset, length }: ByteRange): void {
    const inside = Math.min(length, this.data.sizeBytes - offset);
    if (inside > 0) this.data.prefetch({ offset, length: inside });
  }

  /** In place of what was found before. */
  foundDamaged(regions: readonly number[]): void {
    this.#damaged = regions.length === 0 ? undefined : new Set(regions);
  }

  coming(run: RegionRun): void {
    this.#transitional.come(run);
  }

  leaving(run: RegionRun): void {
    this.#transitional.leave(run);
  }

  takeTransitional(): Transitional {
    const taken = this.#transitional;
    this.#transitional = new Transitional();
    return taken;
  }

  sync(file: 'data' | 'map'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.syncThen(file, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /**
   * One at a time: of two that run side by side only one is told of an error. After one that failed all do, until
   * `startAnew`: the next would succeed for pages that are gone.
   */
  syncThen(file: 'data' | 'map', done: (error: Error | undefined) => void): void {
    this.hold();
    const begin = (): void => {
      const synced = this[file];
      assert(synced !== undefined, `layer ${this.id} has a ${file} file`);
      const failure = this.#syncFailure;
      if (failure === undefined) synced.sync(ended);
      else
        queueMicrotask(() => {
          answer(failure);
        });
    };
    const ended = (error: Error | null): void => {
      if (error !== null) {
        this.#syncFailure = error;
        this.onSyncFailed(error);
      }
      answer(error ?? undefined);
    };
    const answer = (error: Error | undefined): void => {
      this.#syncs--;
      this.#waiting.shift()?.();
      this.release();
      done(error);
    };
    if (this.#syncs++ === 0) begin();
    else this.#waiting.push(begin);
  }

  /** What a sync that failed may have lost is written again, or not believed any more. */
  startAnew(): void {
    this.#syncFailure = undefined;
  }

  /** Both files, as long as they are. */
  async syncSize(): Promise<void> {
    await this.sync('data');
    if (this.map !== undefined) await this.sync('map');
  }

  /** The files stay open until `release`, also if the layer is closed meanwhile. */
  hold(): void {
    assert(!this.#isClosed || this.#users > 0, `layer ${this.id} is open`);
    this.#users++;
  }

  release(): void {
    this.#users--;
    if (this.#isClosed && this.#users === 0) this.#closeFiles();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#users === 0) this.#closeFiles();
  }

  /** A layer of when the volume was smaller takes what lies behind its end from here on. */
  makeRoom(sizeBytes: number, regionBytes: number): void {
    this.map?.grow(sizeBytes / regionBytes);
    if (this.data.sizeBytes < sizeBytes) this.data.grow(sizeBytes);
  }

  #refuseDamaged({ offset, length }: ByteRange): void {
    const end = offset + length;
    for (let region = Math.floor(offset / this.#regionBytes); region * this.#regionBytes < end; region++)
      if (this.#damaged?.has(region) === true)
        throw Object.assign(
          new Error(`EIO: region ${String(region)} of layer ${this.id} does not fit its checksum`),
          { code: 'EIO' },
        );
  }

  #closeFiles(): void {
    this.data.close();
    this.map?.close();
  }
}
