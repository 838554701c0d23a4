/**
 * All volumes, snapshots and layers of one host. Changes of structure are done one after the other; reads and writes
 * of volumes go on meanwhile, and a snapshot stops them for no longer than a switch of a pointer.
 *
 * What was begun and not recorded when the process ended is taken back or finished in `open`: a layer belongs to the
 * store from the commit that names it to the commit that does not.
 */
import type { Files } from '../files.ts';
import { KeyedMutex } from '../../sys/keyed-mutex.ts';
import type {
  Catalogue,
  CatalogueChange,
  LayerId,
  LayerRecord,
  ScrubRecord,
  SnapshotRecord,
  VolumeRecord,
} from './catalogue.ts';
import { alreadyThere, beingCopied, inUse, mayBeLost, notFound, strayFile, unusable } from './failures.ts';
import { CheckWork } from './check.ts';
import type { Layer } from './layer.ts';
import { LayerFiles } from './layer-files.ts';
import type { RegionRun } from './layer-map.ts';
import { LayeredVolume } from './layered-volume.ts';
import { changedRuns } from './diff.ts';
import { lineageOf, type SnapshotLineage } from './lineage.ts';
import { flushed } from './flushed.ts';
import { LiveLayers, type StoreLog } from './live-layers.ts';
import { StoreRecords } from './records.ts';
import { SnapshotView } from './snapshot-view.ts';
import { Stack } from './stack.ts';
import { handedOn, newScrub } from './scrub.ts';
import type { Structure } from './structure.ts';
import { Upkeep } from './upkeep.ts';

export interface LayerStoreOptions {
  readonly files: Files;
  readonly catalogue: Catalogue;
  /** Of the layers' files; nothing else of names like theirs may be in it. */
  readonly folder: string;
  /** Another after each start of the machine. */
  readonly bootId: string;
  readonly regionBytes: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly log: StoreLog;
}

export interface SnapshotOptions {
  readonly quiesced: boolean;
  readonly purpose: SnapshotRecord['purpose'];
}

export class LayerStore {
  readonly #options: LayerStoreOptions;
  readonly #records: StoreRecords;
  readonly #files: LayerFiles;
  readonly #live: LiveLayers;
  readonly #volumes = new Map<string, LayeredVolume>();
  readonly #views = new Set<SnapshotView>();
  readonly #changes = new KeyedMutex();
  readonly #upkeep: Upkeep;

  private constructor(options: LayerStoreOptions, records: StoreRecords, files: LayerFiles) {
    const { bootId, regionBytes, nowMs, log } = options;
    this.#options = options;
    this.#records = records;
    this.#files = files;
    this.#live = new LiveLayers({ records, files, bootId, regionBytes, log });
    this.#upkeep = new Upkeep({
      records,
      files,
      bootId,
      regionBytes,
      nowMs,
      log,
      live: this.#live,
      volumes: () => this.#volumes.values(),
      stacks: () => [...this.#volumes.values(), ...this.#views].map(({ stack }) => stack),
      remove: (changes) => this.#remove(changes),
    });
  }

  /** A volume with a layer that cannot be used is left alone; the others serve on. */
  static async open(options: LayerStoreOptions): Promise<LayerStore> {
    const files = new LayerFiles(options);
    const { regionBytes, catalogue } = options;
    const records = await StoreRecords.load(catalogue, { regionBytes, isEmpty: files.isEmpty });
    const store = new LayerStore(options, records, files);
    await store.#takeBack();
    await store.#openAll();
    return store;
  }

  get volumes(): readonly VolumeRecord[] {
    return this.#records.volumes;
  }

  /** Of one volume, in the order in which they were taken. */
  snapshots(volume: string): readonly SnapshotRecord[] {
    return this.#records.snapshots
      .filter((snapshot) => snapshot.volume === volume && snapshot.complete)
      .sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  /** Throws if there is none, or none that can be used. */
  volume(name: string): LayeredVolume {
    const volume = this.#volumes.get(name);
    if (volume !== undefined) return volume;
    const record = this.#records.volume(name);
    if (record === undefined) throw notFound('volume', name);
    throw unusable(name, this.#live.whyDamaged(record.head));
  }

  /** All zeroes. */
  async create(name: string, sizeBytes: number): Promise<LayeredVolume> {
    return this.#alone(async () => {
      this.#refuseExisting(name);
      const { id, taken } = this.#records.nextLayer(name);
      const layer = await this.#files.create(id, sizeBytes, undefined);
      await this.#records.commit([
        taken,
        { type: 'layer', record: { id, parent: '', sizeBytes, sealed: false, summed: false } },
        { type: 'volume', record: { volume: name, sizeBytes, head: id } },
      ]);
      return this.#add(name, sizeBytes, [layer]);
    });
  }

  /** A volume of a build that kept each in one plain file: the file becomes its bottom layer. */
  async takeIn(name: string, sizeBytes: number, path: string): Promise<LayeredVolume> {
    return this.#alone(async () => {
      let record = this.#records.volume(name);
      if (record !== undefined && !this.#lacksFile(record.head)) throw strayFile(name, path);
      if (record === undefined) {
        const { id, taken } = this.#records.nextLayer(name);
        record = { volume: name, sizeBytes, head: id };
        const layer = { id, parent: '', sizeBytes, sealed: false, summed: false };
        await this.#records.commit([taken, { type: 'layer', record: layer }, { type: 'volume', record }]);
      }
      await this.#files.takeIn(path, record.head);
      return this.#add(name, sizeBytes, [this.#files.open(record.head, undefined, sizeBytes)]);
    });
  }

  /** With its snapshots. Layers that clones share stay. */
  async deleteVolume(name: string): Promise<void> {
    await this.#alone(async () => {
      if (this.#records.volume(name) === undefined) return;
      const snapshots = this.#records.snapshots.filter(({ volume }) => volume === name);
      for (const snapshot of snapshots) this.#refuseViewed(snapshot);
      const volume = this.#volumes.get(name);
      const changes: CatalogueChange[] = [
        { type: 'no-volume', volume: name },
        { type: 'no-scrub', volume: name },
        ...handedOn(name, this.#records, this.#options.nowMs()),
        ...snapshots.map((snapshot) => ({ type: 'no-snapshot' as const, volume: name, name: snapshot.name })),
      ];
      // It serves on where that cannot be recorded.
      let ended: Promise<void> | undefined;
      await this.#remove(changes, () => {
        this.#volumes.delete(name);
        ended = volume?.end();
      });
      await ended;
    });
  }

  /**
   * The volume as it is at one instant between the call and the answer; all of it is on stable storage then. The layers
   * of a seed stay unsealed: nobody may need them but this process, which can open them again at any time.
   */
  async snapshot(
    name: string,
    snapshot: string,
    { quiesced, purpose }: SnapshotOptions,
  ): Promise<SnapshotRecord> {
    const asked = this.#volumes.get(name);
    if (asked?.hasFailed === true) throw mayBeLost(name);
    const failures = asked?.failures;
    return this.#alone(async () => {
      const volume = this.volume(name);
      // Whoever asked relied on what may be lost since.
      if (volume.hasFailed || volume.failures !== failures) throw mayBeLost(name);
      if (this.#records.snapshot(name, snapshot) !== undefined)
        throw alreadyThere('snapshot', `${name}@${snapshot}`);
      if (purpose === 'seed' && this.#seedOf(name) !== undefined) throw beingCopied(name);
      const { sizeBytes, head: below } = volume;
      const { head, changes } = await this.#newHead(name, sizeBytes, below);
      const begun: SnapshotRecord = {
        volume: name,
        name: snapshot,
        layer: below.id,
        sizeBytes,
        createdAtMs: this.#options.nowMs(),
        quiesced,
        purpose,
        complete: false,
      };
      await this.#records.commit([...changes, { type: 'snapshot', record: begun }]);
      const complete = { ...begun, createdAtMs: this.#options.nowMs(), complete: true };
      const frozen = volume.freeze(head);
      try {
        await flushed(volume);
      } catch (error) {
        await this.#records.commit([{ type: 'no-snapshot', volume: name, name: snapshot }]);
        volume.thaw(frozen);
        throw error;
      }
      const isKept = purpose === 'kept';
      const sealed = isKept ? volume.frozen : [];
      await this.#records.commit([
        { type: 'snapshot', record: complete },
        ...sealed.map(({ id }) => this.#layerChange(id, { sealed: true })),
      ]);
      volume.sealed(sealed);
      return complete;
    });
  }

  /** Its space is given back by and by. */
  async deleteSnapshot(volume: string, name: string): Promise<void> {
    await this.#alone(async () => {
      const snapshot = this.#records.snapshot(volume, name);
      if (snapshot === undefined) return;
      this.#refuseViewed(snapshot);
      await this.#remove([{ type: 'no-snapshot', volume, name }], () => {
        const layer = this.#live.get(snapshot.layer);
        if (layer !== undefined) this.#volumes.get(volume)?.thawFrom(layer);
      });
    });
  }

  /** A new volume that begins as the snapshot is, and shares all with it that it does not change. */
  async clone(volume: string, snapshot: string, name: string): Promise<LayeredVolume> {
    return this.#alone(async () => {
      this.#refuseExisting(name);
      const { record, layer } = this.#kept(volume, snapshot);
      const { head, changes } = await this.#newHead(name, record.sizeBytes, layer);
      await this.#records.commit(changes);
      return this.#add(name, record.sizeBytes, [head]);
    });
  }

  /** The volume is as the snapshot from then on. Nobody may read or write it meanwhile. */
  async revert(name: string, snapshot: string): Promise<void> {
    await this.#alone(async () => {
      const volume = this.volume(name);
      const { layer } = this.#kept(name, snapshot);
      if (this.#seedOf(name) !== undefined) throw beingCopied(name);
      await flushed(volume);
      const { head, changes } = await this.#newHead(name, volume.sizeBytes, layer);
      await this.#remove(changes, () => {
        volume.restart(this.#stackOf(head));
      });
    });
  }

  /** `reader` says who uses it, to somebody who wants to delete it meanwhile. */
  openSnapshot(volume: string, name: string, reader: () => string = () => 'somebody'): SnapshotView {
    const { record, layer } = this.#usable(volume, name);
    const closed = (): boolean => this.#views.delete(view);
    const view = new SnapshotView(record, this.#stackOf(layer), { reader, closed });
    this.#views.add(view);
    return view;
  }

  /** Regions that may differ between two snapshots of one origin; without `to`, from how the volume is now. */
  diff(volume: string, from: string, to?: string, within?: RegionRun): readonly RegionRun[] {
    const lower = this.#usable(volume, from);
    const upper = to === undefined ? this.volume(volume) : this.#usable(volume, to);
    const sizeBytes = Math.max(
      lower.record.sizeBytes,
      'record' in upper ? upper.record.sizeBytes : upper.sizeBytes,
    );
    const all = { first: 0, count: Math.ceil(sizeBytes / this.#options.regionBytes) };
    return changedRuns(lower.layer, 'record' in upper ? upper.layer : upper.head, within ?? all);
  }

  /** The snapshots of a volume, what each stands on and what stands on it, with what they take up. */
  lineage(volume: string): readonly SnapshotLineage[] {
    return lineageOf(volume, this.#records, (id) => this.#live.get(id)?.allocatedBytes ?? 0);
  }

  /** Smaller only where nothing but holes lies beyond: what a snapshot has there, it keeps. */
  async resize(name: string, sizeBytes: number): Promise<void> {
    await this.#alone(async () => {
      const volume = this.volume(name);
      const record = this.#records.volume(name);
      if (record === undefined || sizeBytes === volume.sizeBytes) return;
      const changes: CatalogueChange[] = [{ type: 'volume', record: { ...record, sizeBytes } }];
      if (sizeBytes < volume.sizeBytes) volume.checkUnusedFrom(sizeBytes);
      else {
        // A seed that ends meanwhile opens others: those are made as large whenever they are opened.
        const open = volume.makeRoom(sizeBytes);
        for (const layer of open) await layer.syncSize();
        changes.push(...open.map(({ id }) => this.#layerChange(id, { sizeBytes })));
      }
      await this.#records.commit(changes);
      volume.resized(sizeBytes);
    });
  }

  /** Holds the sealed layers of a volume and of its snapshots against their checksums, from the first on. */
  async startScrub(name: string): Promise<void> {
    await this.#alone(async () => {
      this.volume(name);
      const record = newScrub(name, this.#options.nowMs(), this.#records.scrub(name));
      const changes: CatalogueChange[] = [{ type: 'scrub', record }];
      await this.#records.commit(changes);
      this.#upkeep.forget(changes);
    });
  }

  /** The last one: how far it came, and what it found. */
  scrub(name: string): ScrubRecord | undefined {
    return this.#records.scrub(name);
  }

  /** Whether a region has the bytes that it had when its layer was sealed; undefined: nothing tells. */
  isIntact(stack: Stack, region: number): boolean | undefined {
    const owner = stack.owner(region);
    if (this.#records.layer(owner.id)?.summed !== true) return undefined;
    try {
      return this.#live.sums(owner).fits(region, owner);
    } catch {
      // Checksums that are lost say nothing against the bytes; bytes that cannot be read fail whoever reads them.
      return undefined;
    }
  }

  /** To be stepped by `checkStep` until all is looked at, and closed. */
  newCheck(name: string): CheckWork {
    if (this.#records.volume(name) === undefined) throw notFound('volume', name);
    const { regionBytes } = this.#options;
    return new CheckWork(name, {
      records: this.#records,
      live: this.#live,
      files: this.#files,
      regionBytes,
      commit: async (changes) => {
        await this.#records.commit(changes);
        this.#upkeep.forget(changes);
      },
    });
  }

  /** False: all has been looked at. Nothing of the store's structure changes meanwhile. */
  checkStep(check: CheckWork): Promise<boolean> {
    return this.#alone(() => check.step());
  }

  /** Does one piece of what can wait; false: there is nothing left to do. */
  step(): Promise<boolean> {
    return this.#alone(() => this.#upkeep.step());
  }

  async close(): Promise<void> {
    await this.#alone(async () => {
      await Promise.all([...this.#volumes.values()].map((volume) => volume.end()));
      this.#upkeep.end();
      this.#live.closeAll();
      this.#volumes.clear();
    });
  }

  #alone<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.#changes.run('store', work);
  }

  // At the start.

  /** Ends what ends with a process: snapshots that were not complete, and seeds. */
  async #takeBack(): Promise<void> {
    const ended = this.#records.snapshots.filter(({ complete, purpose }) => !complete || purpose === 'seed');
    const gone = ended.map(({ volume, name }) => ({ type: 'no-snapshot' as const, volume, name }));
    const { changes } = this.#records.consequences(gone, (after) => this.#openable(after));
    await this.#records.commit(changes);
    // A layer that is named as a parent and has no record may still be brought back by hand.
    for (const { id, parent } of this.#records.layers) if (parent === '') this.#files.removeMap(id);
    const swept = this.#files.sweep(new Set(this.#records.layers.flatMap(({ id, parent }) => [id, parent])));
    if (swept.length > 0)
      this.#options.log.info({ files: swept.length }, 'removed what a crash left of layers');
  }

  async #openAll(): Promise<void> {
    for (const { volume, head, sizeBytes } of this.#records.volumes)
      await this.#live.open(head, { of: volume, sizeBytes });
    for (const { volume, name, layer, sizeBytes } of this.#records.snapshots)
      await this.#live.open(layer, { of: `${volume}@${name}`, sizeBytes });
    for (const { volume, head, sizeBytes } of this.#records.volumes) {
      const layer = this.#live.get(head);
      if (layer !== undefined) this.#add(volume, sizeBytes, this.#live.unsealed(layer));
    }
    this.#live.markDamaged();
  }

  // Layers.

  #add(name: string, sizeBytes: number, open: readonly Layer[]): LayeredVolume {
    for (const layer of open) this.#live.add(layer);
    const head = open.at(-1);
    if (head === undefined) throw unusable(name, 'its head is sealed');
    const volume = new LayeredVolume(name, { stack: this.#stackOf(head), open, sizeBytes });
    this.#volumes.set(name, volume);
    return volume;
  }

  #stackOf(layer: Layer): Stack {
    return new Stack(layer, this.#options.regionBytes);
  }

  /** Its files are there and empty; the changes make it the head of the volume. */
  async #newHead(
    volume: string,
    sizeBytes: number,
    below: Layer,
  ): Promise<{ readonly head: Layer; readonly changes: readonly CatalogueChange[] }> {
    const { id, taken } = this.#records.nextLayer(volume);
    const head = await this.#files.create(id, sizeBytes, below);
    this.#live.add(head);
    const changes: CatalogueChange[] = [
      taken,
      { type: 'layer', record: { id, parent: below.id, sizeBytes, sealed: false, summed: false } },
      { type: 'volume', record: { volume, sizeBytes, head: id } },
    ];
    return { head, changes };
  }

  #layerChange(id: LayerId, fields: Partial<LayerRecord>): CatalogueChange {
    const record = this.#records.layer(id);
    if (record === undefined) throw notFound('layer', id);
    return { type: 'layer', record: { ...record, ...fields } };
  }

  #openable(after: Structure): LayerId[] {
    return this.#records.openable(after, (volume) => this.#volumes.get(volume)?.isSettled === false);
  }

  async #remove(gone: readonly CatalogueChange[], committed: () => void = () => undefined): Promise<void> {
    const { changes, garbage, opened } = this.#records.consequences(gone, (after) => this.#openable(after));
    const heads = changes.flatMap((change) => (change.type === 'volume' ? [change.record] : []));
    this.#live.readyToOpen(opened, [...this.#records.volumes, ...heads]);
    await this.#records.commit(changes);
    committed();
    this.#upkeep.forget(changes);
    for (const id of opened) {
      this.#live.removeSums(id);
      this.#openInPlace(id);
    }
    for (const id of garbage) this.#live.drop(id);
  }

  #openInPlace(id: LayerId): void {
    for (const volume of this.#volumes.values())
      if (volume.head.parent?.id === id && volume.isSettled) volume.openBelow(volume.head.parent);
  }

  // What is refused.

  /** Of a bottom whose file was to be taken in when a crash came. */
  #lacksFile(head: LayerId): boolean {
    return (
      this.#records.layer(head)?.parent === '' && this.#live.get(head) === undefined && !this.#files.has(head)
    );
  }

  #usable(volume: string, name: string): { readonly record: SnapshotRecord; readonly layer: Layer } {
    const record = this.#records.snapshot(volume, name);
    if (record?.complete !== true) throw notFound('snapshot', `${volume}@${name}`);
    const layer = this.#live.get(record.layer);
    if (layer === undefined) throw unusable(`${volume}@${name}`, this.#live.whyDamaged(record.layer));
    return { record, layer };
  }

  /** Of one that outlives this process: what stands on its layer may last. */
  #kept(volume: string, name: string): { readonly record: SnapshotRecord; readonly layer: Layer } {
    const found = this.#usable(volume, name);
    if (found.record.purpose !== 'kept') throw notFound('snapshot', `${volume}@${name}`);
    return found;
  }

  #seedOf(name: string): SnapshotRecord | undefined {
    return this.#records.snapshots.find(({ volume, purpose }) => volume === name && purpose === 'seed');
  }

  #refuseExisting(name: string): void {
    if (this.#records.volume(name) !== undefined) throw alreadyThere('volume', name);
  }

  #refuseViewed({ volume, name }: SnapshotRecord): void {
    for (const view of this.#views)
      if (view.record.volume === volume && view.record.name === name)
        throw inUse(`${volume}@${name}`, view.reader());
  }
}
