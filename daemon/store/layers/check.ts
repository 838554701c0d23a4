/**
 * Reads everything of one volume and of its snapshots: records, headers, every sector of every map, every region that
 * a layer holds. What can be put right without a guess is put right; the rest is told with what can be done about it.
 *
 * The files are opened anew: what the volume itself could not open has to be looked at too. Other work on the store
 * goes on between two steps, so a layer is looked up again before each.
 */
import { LockstepError, messageOf } from '../../sys/errors.ts';
import type { CatalogueChange, LayerId, LayerRecord } from './catalogue.ts';
import type { BlockFile } from '../files.ts';
import type { LayerFiles } from './layer-files.ts';
import { ABSENT, COMING, LEAVING, type LayerMap, PAGE_REGIONS, type RegionRun } from './layer-map.ts';
import type { LayerSums } from './layer-sums.ts';
import { Layer, regionRangeOf } from './layer.ts';
import { heldBy } from './held.ts';
import type { LiveLayers } from './live-layers.ts';
import type { StoreRecords } from './records.ts';

export interface Finding {
  readonly kind: 'repaired' | 'damaged';
  readonly what: string;
  /** Empty: it is not of one layer. */
  readonly layer: LayerId;
  /** Undefined: it is not of some regions. */
  readonly regions: RegionRun | undefined;
  /** What a person can do; empty: nothing is to be done. */
  readonly advice: string;
}

export interface CheckWorld {
  readonly records: StoreRecords;
  readonly live: LiveLayers;
  readonly files: LayerFiles;
  readonly regionBytes: number;
  /** With what follows from it for work that was begun. */
  commit(changes: readonly CatalogueChange[]): Promise<void>;
}

/** Read in one step: 1 MiB, about a millisecond. */
const REGIONS_AT_ONCE = 16;
/** A disk that is lost as a whole is known by fewer. */
const MAX_FINDINGS = 1000;

const FROM_THE_OTHER = 'repair from the other replica';
const ANEW = 'have this copy made anew from the other replica';

export class CheckWork {
  readonly #volume: string;
  readonly #world: CheckWorld;
  readonly #findings: Finding[] = [];
  readonly #steps: AsyncGenerator<undefined>;
  readonly #open = new Set<{ close(): void }>();
  #readBytes = 0;

  constructor(volume: string, world: CheckWorld) {
    this.#volume = volume;
    this.#world = world;
    this.#steps = this.#work();
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  get readBytes(): number {
    return this.#readBytes;
  }

  /** False: all has been looked at. */
  async step(): Promise<boolean> {
    return (await this.#steps.next()).done !== true;
  }

  /** Also in the middle. */
  close(): void {
    for (const file of this.#open) file.close();
    this.#open.clear();
  }

  async *#work(): AsyncGenerator<undefined> {
    this.#removeLeftovers();
    yield;
    for (const id of this.#layers()) {
      yield* this.#checkLayer(id);
      this.close();
      yield;
    }
  }

  #removeLeftovers(): void {
    const { records, files } = this.#world;
    const known = new Map(records.layers.map((layer) => [layer.id, layer]));
    for (const name of files.sweep(new Set(known.keys())))
      this.#repaired('', `the file ${name} was of no layer that is recorded: removed`);
    for (const { id, parent, sealed } of known.values()) {
      if (parent === '' && files.hasMap(id)) {
        files.removeMap(id);
        this.#repaired(id, 'the lowest layer of a stack had a map, which nobody reads: removed');
      }
      if (!sealed && files.hasSums(id)) {
        files.removeSums(id);
        this.#repaired(id, 'a layer that is written had checksums: removed');
      }
    }
  }

  /** Of the volume and of its snapshots, each once; with what is wrong with their records. */
  #layers(): ReadonlySet<LayerId> {
    const { records } = this.#world;
    const volume = records.volume(this.#volume);
    const snapshots = records.snapshots.filter((snapshot) => snapshot.volume === this.#volume);
    const tops = [
      ...(volume === undefined
        ? []
        : [{ shown: this.#volume, top: volume.head, sizeBytes: volume.sizeBytes }]),
      ...snapshots.map(({ volume: of, name, layer, sizeBytes }) => ({
        shown: `${of}@${name}`,
        top: layer,
        sizeBytes,
      })),
    ];
    const found = new Set<LayerId>();
    for (const { shown, top, sizeBytes } of tops) {
      for (const id of this.#chainOf(shown, top)) found.add(id);
      const recorded = records.layer(top)?.sizeBytes ?? sizeBytes;
      if (recorded < sizeBytes)
        this.#damaged(
          top,
          `${shown} has ${String(sizeBytes)} bytes, and its layer is recorded with ${String(recorded)}`,
          ANEW,
        );
    }
    return found;
  }

  #chainOf(shown: string, top: LayerId): ReadonlySet<LayerId> {
    const { records } = this.#world;
    const seen = new Set<LayerId>();
    for (let id = top; id !== '';) {
      const record = records.layer(id);
      if (record === undefined) {
        this.#damaged(id, `there is no record of a layer on which ${shown} stands`, ANEW);
        break;
      }
      if (seen.has(id)) {
        this.#damaged(id, `the layers of ${shown} go round in a circle`, ANEW);
        break;
      }
      seen.add(id);
      id = record.parent;
    }
    return seen;
  }

  async *#checkLayer(id: LayerId): AsyncGenerator<undefined> {
    const { records, files, regionBytes } = this.#world;
    const record = records.layer(id);
    if (record === undefined) return;
    const data = this.#opened(id, 'the data', () => files.data(id));
    if (data !== undefined && data.sizeBytes < record.sizeBytes) {
      const first = Math.floor(data.sizeBytes / regionBytes);
      const regions = { first, count: record.sizeBytes / regionBytes - first };
      const sizes = `${String(data.sizeBytes)} of its ${String(record.sizeBytes)} bytes`;
      this.#damaged(id, `its data file has ${sizes}`, ANEW, regions);
    }
    const hasMap = record.parent !== '';
    const map = hasMap
      ? this.#opened(id, 'the map', () => files.map(id, record.sizeBytes / regionBytes))
      : undefined;
    const isSound = map === undefined ? !hasMap : yield* this.#checkMap(id, map);
    const sums = record.summed ? await this.#sums(record) : undefined;
    if (data !== undefined && isSound) yield* this.#readRegions(id, { data, map, sums });
  }

  #opened<File extends { close(): void }>(id: LayerId, what: string, open: () => File): File | undefined {
    try {
      const file = open();
      this.#open.add(file);
      return file;
    } catch (error) {
      this.#damaged(id, `${what} of the layer cannot be used: ${messageOf(error)}`, ANEW);
      return undefined;
    }
  }

  /** False: what the layer holds is not known. */
  async *#checkMap(id: LayerId, map: LayerMap): AsyncGenerator<undefined, boolean> {
    let isSound = true;
    for (const page of map.pages()) {
      for (const { regions, why } of map.damagedSectors(page)) {
        isSound = false;
        this.#damaged(id, why, ANEW, regions);
      }
      if (isSound) this.#checkEntries(id, map, page);
      yield;
    }
    return isSound;
  }

  #checkEntries(id: LayerId, map: LayerMap, page: number): void {
    const isSealed = this.#world.records.layer(id)?.sealed === true;
    for (const [at, entry] of (map.page(page) ?? []).entries()) {
      if (entry === ABSENT) continue;
      const regions = { first: page * PAGE_REGIONS + at, count: 1 };
      if (entry > LEAVING) this.#damaged(id, `its map has an entry ${String(entry)}`, ANEW, regions);
      else if (isSealed && (entry === COMING || entry === LEAVING))
        this.#damaged(id, 'a region of a sealed layer is marked as on its way', FROM_THE_OTHER, regions);
    }
  }

  /** Checksums that are lost are made anew from what there is: that it is what there was, nobody can say any more. */
  async #sums(record: LayerRecord): Promise<LayerSums | undefined> {
    const world = this.#world;
    const { files, live, records } = world;
    try {
      const sums = files.openSums(record.id);
      this.#open.add(sums);
      return sums;
    } catch (error) {
      live.forgetSums(record.id);
      const merges = records.merges.filter(({ source, target }) => [source, target].includes(record.id));
      await world.commit([
        { type: 'layer', record: { ...record, summed: false } },
        // It would ask for them on its way.
        ...merges.map(({ source }) => ({ type: 'no-merge', source }) as const),
      ]);
      files.removeSums(record.id);
      this.#repaired(
        record.id,
        `its checksums could not be used and are made anew, of the bytes as they are now: ${messageOf(error)}`,
      );
      return undefined;
    }
  }

  async *#readRegions(
    id: LayerId,
    {
      data,
      map,
      sums,
    }: { readonly data: BlockFile; readonly map: LayerMap | undefined; readonly sums: LayerSums | undefined },
  ): AsyncGenerator<undefined> {
    const { regionBytes } = this.#world;
    const layer = new Layer(id, data, { map, parent: undefined, regionBytes });
    const scratch = Buffer.allocUnsafe(regionBytes);
    let read = 0;
    for (const region of heldBy(layer, regionBytes)) {
      await layer.warm(regionRangeOf(region, regionBytes));
      this.#readRegion(region, { layer, sums, scratch });
      if (++read % REGIONS_AT_ONCE === 0) yield;
    }
  }

  #readRegion(
    region: number,
    {
      layer,
      sums,
      scratch,
    }: { readonly layer: Layer; readonly sums: LayerSums | undefined; readonly scratch: Buffer },
  ): void {
    const { regionBytes, records } = this.#world;
    const regions = { first: region, count: 1 };
    this.#readBytes += regionBytes;
    try {
      // It may have been opened, or have become part of another, since the check began.
      if (sums === undefined || records.layer(layer.id)?.summed !== true)
        layer.readUnchecked(scratch, region * regionBytes);
      else if (!sums.fits(region, layer))
        this.#damaged(layer.id, 'the bytes do not fit their checksum', FROM_THE_OTHER, regions);
    } catch (error) {
      if (!(error instanceof LockstepError) && !isSystemError(error)) throw error;
      this.#damaged(layer.id, `it cannot be read: ${messageOf(error)}`, FROM_THE_OTHER, regions);
    }
  }

  #repaired(layer: LayerId, what: string): void {
    this.#add({ kind: 'repaired', what, layer, regions: undefined, advice: '' });
  }

  #damaged(layer: LayerId, what: string, advice: string, regions?: RegionRun): void {
    const last = this.#findings.at(-1);
    const before = last?.layer === layer && last.what === what ? last.regions : undefined;
    if (last !== undefined && before !== undefined && regions?.first === before.first + before.count) {
      const joined = { first: before.first, count: before.count + regions.count };
      this.#findings.splice(-1, 1, { ...last, regions: joined });
    } else this.#add({ kind: 'damaged', what, layer, regions, advice });
  }

  #add(finding: Finding): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'code' in error;
}
