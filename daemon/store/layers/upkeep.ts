/**
 * What can wait, a piece at a time: a head that is drained, two layers that become one, checksums of layers that are
 * sealed, and scrubs. In this order: what gives space back goes first.
 */
import { LockstepError, messageOf } from '../../sys/errors.ts';
import type { CatalogueChange, DamagedRegion, LayerId, ScrubRecord } from './catalogue.ts';
import { flushed } from './flushed.ts';
import { heldBy } from './held.ts';
import { type Layer, regionRangeOf } from './layer.ts';
import type { LayerFiles } from './layer-files.ts';
import type { LayerSums } from './layer-sums.ts';
import type { LayeredVolume } from './layered-volume.ts';
import type { LiveLayers, StoreLog } from './live-layers.ts';
import { MergeWork } from './merge.ts';
import type { StoreRecords } from './records.ts';
import { ScrubWork, shownBy } from './scrub.ts';
import type { Stack } from './stack.ts';
import type { Merge } from './structure.ts';

export interface UpkeepWorld {
  readonly records: StoreRecords;
  readonly live: LiveLayers;
  readonly files: LayerFiles;
  readonly bootId: string;
  readonly regionBytes: number;
  readonly nowMs: () => number;
  readonly log: StoreLog;
  volumes(): Iterable<LayeredVolume>;
  /** Of volumes and of snapshots that are read. */
  stacks(): Iterable<Stack>;
  /** Commits, and does what follows from it. */
  remove(changes: readonly CatalogueChange[]): Promise<void>;
}

interface SumWork {
  readonly layer: Layer;
  readonly sums: LayerSums;
  readonly regions: Iterator<number>;
}

/** What cannot be read so often is left alone by this process: all else would wait for it. */
const MAX_TRIES = 3;
/** Moved, or given a checksum, in one step: 1 MiB, about a millisecond. */
const REGIONS_AT_ONCE = 16;
/** Between two records of how far a scrub came: 64 MiB. */
const STEPS_PER_RECORD = 64;

export class Upkeep {
  readonly #world: UpkeepWorld;
  /** Lower layers of pairs that hold what is damaged. */
  readonly #unmergeable = new Set<LayerId>();
  readonly #unsummable = new Set<LayerId>();
  readonly #failures = new Map<LayerId, number>();
  #merge: MergeWork | undefined;
  #sum: SumWork | undefined;
  #scrub: ScrubWork | undefined;
  #scrubSteps = 0;

  constructor(world: UpkeepWorld) {
    this.#world = world;
  }

  /** False: there is nothing left to do. */
  async step(): Promise<boolean> {
    const { records } = this.#world;
    for (const volume of this.#world.volumes()) {
      if (volume.hasFailed) {
        if (!volume.canHeal) continue;
        await volume.heal(this.#world.bootId);
        this.#world.log.warn({ volume: volume.name }, 'what a failed sync may have lost was taken back');
        return true;
      }
      if (!volume.isSettled) {
        records.refuseBroken();
        await this.#drain(volume);
        return true;
      }
    }
    records.refuseBroken();
    return (await this.#mergeStep()) || (await this.#sumStep()) || (await this.#scrubStep());
  }

  /** What was begun on layers that are not any more as they were then. */
  forget(changes: readonly CatalogueChange[]): void {
    if (changes.some(({ type }) => type === 'no-merge')) this.#merge = undefined;
    const summed = this.#sum?.layer.id;
    const touches = (change: CatalogueChange): boolean =>
      (change.type === 'no-layer' && change.id === summed) ||
      (change.type === 'layer' && change.record.id === summed);
    if (changes.some(touches)) this.#endSum();
    if (changes.some(({ type }) => type === 'scrub' || type === 'no-scrub' || type === 'no-layer'))
      this.#scrub = undefined;
  }

  end(): void {
    this.#endSum();
  }

  async #drain(volume: LayeredVolume): Promise<void> {
    await volume.warmForDrain(REGIONS_AT_ONCE);
    const outcome = volume.drain(REGIONS_AT_ONCE);
    if (outcome === 'moved') return;
    await flushed(volume);
    if (outcome === 'needs flush') return;
    const { records, live } = this.#world;
    const { head } = volume;
    const { parent } = head;
    const record = records.volume(volume.name);
    const below = parent === undefined ? undefined : records.layer(parent.id);
    if (record === undefined || parent === undefined || below === undefined) return;
    const { sizeBytes } = record;
    // It may be of a time when the volume was smaller.
    if (below.sizeBytes < sizeBytes) await parent.syncSize();
    const lower: CatalogueChange[] = [
      { type: 'volume', record: { ...record, head: parent.id } },
      { type: 'layer', record: { ...below, sizeBytes: Math.max(below.sizeBytes, sizeBytes) } },
    ];
    await records.commit([...lower, { type: 'no-layer', id: head.id }]);
    volume.dropHead();
    live.drop(head.id);
    if (volume.isSettled) await this.#world.remove([]);
  }

  async #mergeStep(): Promise<boolean> {
    const { records, live, files, regionBytes, log } = this.#world;
    const isBegun = ({ upper, lower }: Merge): boolean =>
      records.merges.some(
        ({ source, target }) =>
          (source === upper && target === lower) || (source === lower && target === upper),
      );
    // One that was begun goes first: what it says of checksums holds while nobody else changes its layers.
    const next = records.structure
      .merges()
      .filter(({ lower }) => !this.#unmergeable.has(lower))
      .filter((pair) => isBegun(pair) || !(this.#isMerging(pair.upper) || this.#isMerging(pair.lower)))
      .sort((a, b) => Number(isBegun(b)) - Number(isBegun(a)))
      .map(({ upper, lower }) => ({ upper: live.get(upper), lower: live.get(lower) }))
      .find(({ upper, lower }) => upper !== undefined && lower !== undefined);
    if (next?.upper === undefined || next.lower === undefined) return false;
    const { upper, lower } = next;
    if (this.#merge?.upper !== upper || this.#merge.lower !== lower) {
      this.#endSum();
      const sums = (layer: Layer): LayerSums => live.sums(layer);
      this.#merge = await MergeWork.begin({ records, regionBytes, sums }, { upper, lower });
    }
    const merge = this.#merge;
    let ended: Awaited<ReturnType<MergeWork['finish']>>;
    try {
      if (!(await merge.step())) return true;
      ended = await merge.finish();
    } catch (error) {
      // It goes on from what is recorded: what failed may have left out a region, or lost one that was copied.
      this.#merge = undefined;
      const isDamaged = error instanceof LockstepError && error.reason === 'REGION_DAMAGED';
      if (!isDamaged && !this.#givesUp(lower.id, error)) throw error;
      // The layers stay as they are, and the room that one would give back stays taken.
      this.#unmergeable.add(lower.id);
      log.error(
        { upper: upper.id, lower: lower.id, error: messageOf(error) },
        'two layers cannot become one',
      );
      return true;
    }
    const { gone, kept } = ended;
    this.#merge = undefined;
    this.#scrub = undefined;
    for (const layer of live.values()) if (layer.parent === gone) layer.parent = kept;
    for (const stack of this.#world.stacks()) stack.merged(gone, kept);
    if (kept.parent === undefined) files.removeMap(kept.id);
    live.forgetSums(kept.id);
    live.drop(gone.id);
    await this.#lookAgain(kept);
    return true;
  }

  /** What was damaged of a layer may be what another one has covered since. */
  async #lookAgain(layer: Layer): Promise<void> {
    const { records, live } = this.#world;
    if (records.layer(layer.id)?.summed !== true) return;
    const isMended = ({ layer: id, region }: DamagedRegion): boolean =>
      id === layer.id && live.sums(layer).fits(region, layer);
    const mended = records.scrubs.filter(({ damaged }) => damaged.some(isMended));
    for (const record of mended) {
      const damaged = record.damaged.filter((one) => !isMended(one));
      const change: CatalogueChange = { type: 'scrub', record: { ...record, damaged } };
      await records.commit([change]);
      this.forget([change]);
    }
    if (mended.length > 0) live.markDamaged();
  }

  /** Also in a merge that is given up: it goes on after a restart. */
  #isMerging(layer: LayerId): boolean {
    return this.#world.records.merges.some(({ source, target }) => source === layer || target === layer);
  }

  /** Room may come back; a disk that does not read will not. */
  #givesUp(layer: LayerId, error: unknown): boolean {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    const failures = (this.#failures.get(layer) ?? 0) + 1;
    this.#failures.set(layer, failures);
    return failures >= MAX_TRIES;
  }

  /** Where it fails it begins again: it may have left out a region. */
  async #sumStep(): Promise<boolean> {
    const layer = this.#sum?.layer.id;
    try {
      return await this.#sumNow();
    } catch (error) {
      this.#endSum();
      if (layer !== undefined && this.#givesUp(layer, error)) {
        this.#unsummable.add(layer);
        this.#world.log.error({ layer, error: messageOf(error) }, 'a layer gets no checksums');
      }
      throw error;
    }
  }

  async #sumNow(): Promise<boolean> {
    const { records, live, files, regionBytes } = this.#world;
    if (this.#sum === undefined) {
      // What a merge goes on to write in them would be lost.
      const next = records.layers.find(
        ({ id, sealed, summed }) =>
          sealed &&
          !summed &&
          !this.#isMerging(id) &&
          !this.#unsummable.has(id) &&
          live.get(id) !== undefined,
      );
      const layer = next === undefined ? undefined : live.get(next.id);
      if (layer === undefined) return false;
      const sums = files.createSums(layer.id, layer.data.sizeBytes);
      this.#sum = { layer, sums, regions: heldBy(layer, regionBytes) };
    }
    const { layer, sums, regions } = this.#sum;
    for (let summed = 0; summed < REGIONS_AT_ONCE; summed++) {
      const next = regions.next();
      if (next.done === true) {
        await sums.sync();
        await files.syncFolder();
        const record = records.layer(layer.id);
        this.#endSum();
        if (record !== undefined)
          await records.commit([{ type: 'layer', record: { ...record, summed: true } }]);
        return true;
      }
      await layer.warm(regionRangeOf(next.value, regionBytes));
      sums.add(next.value, layer);
    }
    return true;
  }

  #endSum(): void {
    this.#sum?.sums.close();
    this.#sum = undefined;
  }

  async #scrubStep(): Promise<boolean> {
    const { records, live, nowMs } = this.#world;
    const record = records.scrubs.find(({ finishedAtMs }) => finishedAtMs === 0);
    if (record === undefined) return false;
    if (this.#scrub?.record.volume !== record.volume) this.#scrub = this.#beginScrub(record);
    try {
      await this.#scrub.step(nowMs());
    } catch (error) {
      // What it was reading it takes for ended.
      this.#scrub = undefined;
      throw error;
    }
    const { finishedAtMs, damaged } = this.#scrub.record;
    const isFound = damaged !== record.damaged;
    if (finishedAtMs !== 0 || isFound || ++this.#scrubSteps % STEPS_PER_RECORD === 0)
      await records.commit([{ type: 'scrub', record: this.#scrub.record }]);
    if (finishedAtMs !== 0 || isFound) live.markDamaged();
    if (finishedAtMs !== 0) this.#scrub = undefined;
    return true;
  }

  #beginScrub(record: ScrubRecord): ScrubWork {
    const { records, live, regionBytes } = this.#world;
    return new ScrubWork(record, {
      regionBytes,
      sums: (layer) => live.sums(layer),
      layers: () => {
        return [...shownBy(record.volume, records)].flatMap((id) => {
          const layer = live.get(id);
          const isSummed = records.layer(id)?.summed === true;
          return layer !== undefined && isSummed && this.#hasSums(layer) ? [layer] : [];
        });
      },
    });
  }

  /** Bytes are not damaged because their checksums are lost: those are for a check to make anew. */
  #hasSums(layer: Layer): boolean {
    const { live, log } = this.#world;
    try {
      live.sums(layer);
      return true;
    } catch (error) {
      log.warn({ layer: layer.id, error: messageOf(error) }, 'a scrub passes over a layer without checksums');
      return false;
    }
  }
}
