/**
 * Holds the sealed layers of one volume against their checksums, region by region, from the newest down. What does not
 * fit is kept in the record of the scrub: such a region is not read any more as if nothing were wrong.
 */
import type { CatalogueChange, DamagedRegion, LayerId, ScrubRecord } from './catalogue.ts';
import { heldBy } from './held.ts';
import { type Layer, regionRangeOf } from './layer.ts';
import type { LayerSums } from './layer-sums.ts';
import type { StoreRecords } from './records.ts';

/** Held against its checksum in one step: 1 MiB, about a millisecond. */
const REGIONS_AT_ONCE = 16;
/** A disk that is lost as a whole is known by fewer. */
const MAX_DAMAGED = 1000;

export interface ScrubWorld {
  readonly regionBytes: number;
  /** Of the volume, from the newest down: those that have all their checksums. */
  layers(): readonly Layer[];
  sums(layer: Layer): LayerSums;
}

export class ScrubWork {
  readonly #world: ScrubWorld;
  #record: ScrubRecord;
  #layer: Layer | undefined;
  #regions: Iterator<number> | undefined;

  constructor(record: ScrubRecord, world: ScrubWorld) {
    this.#record = record;
    this.#world = world;
  }

  get record(): ScrubRecord {
    return this.#record;
  }

  /** Its record ends with the last region of the last layer. */
  async step(nowMs: number): Promise<void> {
    if (this.#regions === undefined && !this.#nextLayer(nowMs)) return;
    for (let looked = 0; looked < REGIONS_AT_ONCE; looked++) {
      const next = this.#regions?.next();
      if (next === undefined || next.done === true || this.#layer === undefined) {
        this.#regions = undefined;
        this.#record = { ...this.#record, region: 0, done: [...this.#record.done, this.#record.layer] };
        return;
      }
      await this.#layer.warm(regionRangeOf(next.value, this.#world.regionBytes));
      this.#look(next.value, this.#layer);
    }
  }

  #look(region: number, layer: Layer): void {
    const { damaged, checkedRegions } = this.#record;
    let fits = false;
    try {
      fits = this.#world.sums(layer).fits(region, layer);
    } catch {
      // A region that cannot be read is damaged, and so is one whose checksum cannot be.
    }
    const others = damaged.filter((one) => one.layer !== layer.id || one.region !== region);
    const isKnown = others.length < damaged.length;
    const isNew = !fits && !isKnown && damaged.length < MAX_DAMAGED;
    const left = fits && isKnown ? others : damaged;
    this.#record = {
      ...this.#record,
      region: region + 1,
      checkedRegions: checkedRegions + 1,
      damaged: isNew ? [...damaged, { layer: layer.id, region }] : left,
    };
  }

  /** Goes on in the layer that it was in; one that became part of another is looked at as that. */
  #nextLayer(nowMs: number): boolean {
    const layers = this.#world.layers();
    const left = layers.filter(({ id }) => !this.#record.done.includes(id));
    const layer = left.find(({ id }) => id === this.#record.layer) ?? left[0];
    if (layer === undefined) {
      this.#record = { ...this.#record, finishedAtMs: nowMs };
      return false;
    }
    const from = layer.id === this.#record.layer ? this.#record.region : 0;
    this.#record = { ...this.#record, layer: layer.id, region: from };
    this.#layer = layer;
    this.#regions = heldBy(layer, this.#world.regionBytes, from);
    return true;
  }
}

/** What the one before found is not read as if nothing were wrong until this one has looked at it. */
export function newScrub(volume: string, nowMs: number, before?: ScrubRecord): ScrubRecord {
  const none: readonly LayerId[] = [];
  return {
    volume,
    layer: '',
    region: 0,
    done: none,
    checkedRegions: 0,
    damaged: before?.damaged ?? [],
    startedAtMs: nowMs,
    finishedAtMs: 0,
  };
}

/** What was found in layers that are there no more is no damage of anything. */
export function withoutDamageOf(gone: readonly LayerId[], scrubs: readonly ScrubRecord[]): CatalogueChange[] {
  return scrubs.flatMap((record) => {
    const damaged = record.damaged.filter(({ layer }) => !gone.includes(layer));
    return damaged.length === record.damaged.length
      ? []
      : [{ type: 'scrub', record: { ...record, damaged } }];
  });
}

/** The layers of a volume and of its snapshots, from the newest down. */
export function shownBy(volume: string, records: StoreRecords): ReadonlySet<LayerId> {
  const tops = [
    records.volume(volume)?.head,
    ...records.snapshots.filter((snapshot) => snapshot.volume === volume).map(({ layer }) => layer),
  ];
  return new Set(tops.flatMap((top) => (top === undefined ? [] : [...records.structure.chain(top)])));
}

/** What was found in layers that a volume, which goes, shares with others is theirs to know. */
export function handedOn(volume: string, records: StoreRecords, nowMs: number): CatalogueChange[] {
  const found = records.scrub(volume)?.damaged ?? [];
  if (found.length === 0) return [];
  return records.volumes.flatMap(({ volume: other }) => {
    const shown = shownBy(other, records);
    const shared = other === volume ? [] : found.filter(({ layer }) => shown.has(layer));
    if (shared.length === 0) return [];
    const record = records.scrub(other) ?? { ...newScrub(other, nowMs), finishedAtMs: nowMs };
    const isNew = (one: DamagedRegion): boolean =>
      record.damaged.every(({ layer, region }) => layer !== one.layer || region !== one.region);
    return [{ type: 'scrub', record: { ...record, damaged: [...record.damaged, ...shared.filter(isNew)] } }];
  });
}
