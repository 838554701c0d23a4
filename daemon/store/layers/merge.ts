/**
 * Makes one of two sealed neighbours of which the lower is shown only through the upper: what one of them holds is put
 * into the files of the other, the smaller one's into the larger's. Nothing that anybody reads changes by it:
 *
 *   down   the upper's regions into the lower, where the upper hides them until the end
 *   up     the lower's regions that the upper does not hold into the upper: the same bytes, one layer higher
 *
 * How far it came is recorded, so that it goes on there after a restart. At the end one commit replaces both by one.
 */
import { LockstepError } from '../../sys/errors.ts';
import type { CatalogueChange, LayerRecord, MergeRecord } from './catalogue.ts';
import type { LayerSums } from './layer-sums.ts';
import { assert } from '../../sys/errors.ts';
import { heldBy } from './held.ts';
import { type Layer, regionRangeOf } from './layer.ts';
import { PAGE_REGIONS, PRESENT } from './layer-map.ts';
import type { StoreRecords } from './records.ts';
import { withoutDamageOf } from './scrub.ts';

/** Copied in one step: 1 MiB, about a millisecond. */
const REGIONS_AT_ONCE = 16;
/** Between two records of how far it came: 64 MiB. */
const REGIONS_PER_RECORD = 1024;

export interface MergeWorld {
  readonly records: StoreRecords;
  readonly regionBytes: number;
  sums(layer: Layer): LayerSums;
}

export class MergeWork {
  readonly upper: Layer;
  readonly lower: Layer;
  readonly #world: MergeWorld;
  readonly #source: Layer;
  readonly #target: Layer;
  readonly #scratch: Buffer;
  /** Of the source, from the cursor on. */
  readonly #left: Iterator<number>;
  #record: MergeRecord;
  /** Copied, and not known to be on stable storage. */
  #copied: number[] = [];

  private constructor(
    world: MergeWorld,
    { upper, lower }: { readonly upper: Layer; readonly lower: Layer },
    record: MergeRecord,
  ) {
    const { regionBytes } = world;
    const isDown = record.source === upper.id;
    this.upper = upper;
    this.lower = lower;
    this.#world = world;
    this.#record = record;
    this.#source = isDown ? upper : lower;
    this.#target = isDown ? lower : upper;
    // What was copied after the cursor is copied again.
    this.#target.startAnew();
    this.#scratch = Buffer.allocUnsafeSlow(regionBytes);
    const held = heldBy(this.#source, regionBytes, record.cursor);
    this.#left = isDown ? held : missingIn(upper, held);
  }

  /** Goes on with one that was begun before. */
  static async begin(
    world: MergeWorld,
    pair: { readonly upper: Layer; readonly lower: Layer },
  ): Promise<MergeWork> {
    const { upper, lower } = pair;
    const { records } = world;
    const begun = records.merges.find(
      ({ source, target }) =>
        (source === upper.id && target === lower.id) || (source === lower.id && target === upper.id),
    );
    if (begun !== undefined)
      return new MergeWork(world, pair, { ...begun, summed: begun.summed && canSum(world, pair) });
    const isDown = upper.data.allocatedBytes <= lower.data.allocatedBytes;
    const [source, target] = isDown ? [upper, lower] : [lower, upper];
    const [from, to] = [records.layer(source.id), records.layer(target.id)];
    assert(from !== undefined && to !== undefined, 'a layer that is merged is recorded');
    const record = {
      source: source.id,
      target: target.id,
      cursor: 0,
      summed: from.summed && to.summed && canSum(world, pair),
    };
    await records.commit([
      { type: 'merge', record },
      { type: 'layer', record: { ...to, summed: false } },
    ]);
    return new MergeWork(world, pair, record);
  }

  /** True: all is copied. Where it rejects the work has to be begun again: it may have left out a region. */
  async step(): Promise<boolean> {
    this.#target.makeRoom(this.#source.data.sizeBytes, this.#world.regionBytes);
    for (let copied = 0; copied < REGIONS_AT_ONCE; copied++) {
      const next = this.#left.next();
      if (next.done === true) {
        await this.#settle();
        return true;
      }
      if (next.value === NONE_YET) return false;
      await this.#source.warm(regionRangeOf(next.value, this.#world.regionBytes));
      this.#copy(next.value);
      this.#copied.push(next.value);
    }
    if (this.#copied.length >= REGIONS_PER_RECORD) await this.#settle();
    return false;
  }

  /** The records show one layer in place of two when it resolves; the files of the one that is gone are still there. */
  async finish(): Promise<{ readonly gone: Layer; readonly kept: Layer }> {
    const { upper, lower } = this;
    const [gone, kept] = [this.#source, this.#target];
    const isBottom = lower.map === undefined;
    if (kept === upper && isBottom) await this.#becomeBottom();
    const { records } = this.#world;
    const lowerRecord = records.layer(lower.id);
    assert(lowerRecord !== undefined, 'a layer that is merged is recorded');
    const { sizeBytes } = kept.data;
    if (sizeBytes > lowerRecord.sizeBytes) await kept.syncSize();
    const { summed } = this.#record;
    const one: LayerRecord = { ...lowerRecord, id: kept.id, sizeBytes, sealed: true, summed };
    const changes: CatalogueChange[] = [
      { type: 'no-layer', id: gone.id },
      { type: 'no-merge', source: gone.id },
      { type: 'layer', record: one },
      ...withoutDamageOf([gone.id], records.scrubs),
    ];
    for (const record of records.layers)
      if (record.parent === gone.id && record.id !== kept.id)
        changes.push({ type: 'layer', record: { ...record, parent: kept.id } });
    for (const record of records.snapshots)
      if (record.layer === gone.id) changes.push({ type: 'snapshot', record: { ...record, layer: kept.id } });
    await records.commit(changes);
    kept.parent = lower === kept ? lower.parent : gone.parent;
    if (isBottom) {
      kept.map?.close();
      kept.map = undefined;
    }
    return { gone, kept };
  }

  #copy(region: number): void {
    const { regionBytes } = this.#world;
    const range = regionRangeOf(region, regionBytes);
    const { data } = this.#target;
    if (this.#record.summed) {
      const sums = this.#world.sums(this.#source);
      if (!sums.fits(region, this.#source)) throw damagedSource(this.#source.id, region);
      this.#world.sums(this.#target).copy(region, sums);
    }
    if (this.#source.holdsData(range)) {
      this.#source.read(this.#scratch, range.offset);
      data.write(this.#scratch, range.offset);
    } else if (data.holdsData(range)) data.zero(range, { keepSpace: false });
  }

  /** What was copied is on stable storage before the map says that it is there, and that before the cursor passes it. */
  async #settle(): Promise<void> {
    const last = this.#copied.at(-1);
    if (last === undefined) return;
    await this.#target.sync('data');
    if (this.#record.summed) await this.#world.sums(this.#target).sync();
    if (this.#target.map !== undefined) {
      for (const region of this.#copied) this.#target.map.set({ first: region, count: 1 }, PRESENT);
      await this.#target.sync('map');
    }
    this.#copied = [];
    this.#record = { ...this.#record, cursor: last + 1 };
    await this.#world.records.commit([{ type: 'merge', record: this.#record }]);
  }

  /** The upper holds all that is not zeroes. What else is in its file was never shown, and must not be now. */
  async #becomeBottom(): Promise<void> {
    const { data, map } = this.upper;
    let next = 0;
    const clear = (from: number, to: number): void => {
      const range = { offset: from * this.#world.regionBytes, length: (to - from) * this.#world.regionBytes };
      if (range.length > 0 && data.holdsData(range)) data.zero(range, { keepSpace: false });
    };
    for (const [region, entry] of map?.entries() ?? []) {
      if (entry !== PRESENT) continue;
      clear(next, region);
      next = region + 1;
    }
    clear(next, data.sizeBytes / this.#world.regionBytes);
    await this.upper.sync('data');
  }
}

/** Checksums that cannot be read are made anew once the layers are one. */
function canSum(
  world: MergeWorld,
  { upper, lower }: { readonly upper: Layer; readonly lower: Layer },
): boolean {
  try {
    world.sums(upper);
    world.sums(lower);
    return true;
  } catch {
    return false;
  }
}

/** What does not fit its checksum is not made anew as if it did. */
function damagedSource(layer: string, region: number): LockstepError {
  return new LockstepError(
    'INTERNAL',
    `region ${String(region)} of layer ${layer} does not fit its checksum`,
    {
      reason: 'REGION_DAMAGED',
      metadata: { layer, region: String(region) },
    },
  );
}

/** Looked at in one turn, for regions that are missing. */
const LOOKED_AT_ONCE = 65_536;
const NONE_YET = -1;

/** NONE_YET now and then, so that a long way to the next one is not made in one turn. */
function* missingIn({ map }: Layer, regions: Iterable<number>): Generator<number> {
  let page = -1;
  let entries: Uint8Array | undefined;
  let looked = 0;
  for (const region of regions) {
    if (Math.floor(region / PAGE_REGIONS) !== page) {
      page = Math.floor(region / PAGE_REGIONS);
      entries = map?.page(page);
    }
    if (entries?.[region % PAGE_REGIONS] !== PRESENT) yield region;
    else if (++looked % LOOKED_AT_ONCE === 0) yield NONE_YET;
  }
}
