/**
 * What replicas outside the in-sync set may lack: a map of regions for each of them, on stable storage. A region is
 * marked there before its data is written here; it is cleared by a copy that is durable on both sides, or by equal
 * digests, and by nothing else (join.ts).
 */
import type { Core } from './core.ts';
import type { MapChange, Tracked } from './interface.ts';
import { RegionSet } from './region-set.ts';
import {
  type ByteRange,
  CHUNK_REGIONS,
  firstRegion,
  type HostName,
  lastRegion,
  REGION_BYTES,
  type Region,
} from './units.ts';

export class DirtyMaps {
  readonly #core: Core;
  readonly #maps = new Map<HostName, RegionSet>();
  /** Marked, and not yet known to be so on stable storage. */
  readonly #underWay = new Map<Region, number>();
  /** Chunks that changed since they were last handed to the store. */
  #changed = new Map<HostName, Set<number>>();
  /** Marked since then. */
  #marked = new Set<Region>();
  #isWriting = false;
  /** Marks became durable: writes that waited for them go on. */
  onMarked: () => void = () => undefined;

  constructor(core: Core, kept: ReadonlyMap<HostName, RegionSet>) {
    this.#core = core;
    for (const { host } of core.durable.tracked)
      this.#maps.set(host, kept.get(host) ?? new RegionSet(this.#regions));
  }

  get #regions(): number {
    return this.#core.sizeBytes / REGION_BYTES;
  }

  get(host: HostName): RegionSet | undefined {
    return this.#maps.get(host);
  }

  entry(host: HostName): Tracked | undefined {
    return this.#core.durable.tracked.find((tracked) => tracked.host === host);
  }

  /** The map of `host` as it is now in place of whatever there was: for a `persist` that also names it in `tracked`. */
  replace(host: HostName, regions: Iterable<Region>): MapChange {
    const set = new RegionSet(this.#regions);
    set.addAll(regions);
    this.#maps.set(host, set);
    this.#changed.delete(host);
    return { host, anew: true, chunks: set.chunks() };
  }

  forget(host: HostName): MapChange {
    this.#maps.delete(host);
    this.#changed.delete(host);
    return { host, anew: true, chunks: [] };
  }

  forgetAll(): MapChange[] {
    return [...this.#maps.keys()].map((host) => this.forget(host));
  }

  /** A write is about to touch this range: `isMarked` says when it may. */
  mark(range: ByteRange): void {
    if (this.#maps.size === 0) return;
    for (let region = firstRegion(range); region <= lastRegion(range); region++)
      for (const [host, map] of this.#maps) {
        if (!map.add(region)) continue;
        this.#touch(host, region);
        if (this.#marked.has(region)) continue;
        this.#marked.add(region);
        this.#underWay.set(region, (this.#underWay.get(region) ?? 0) + 1);
      }
    this.#write();
  }

  isMarked(range: ByteRange): boolean {
    if (this.#underWay.size === 0) return true;
    for (let region = firstRegion(range); region <= lastRegion(range); region++)
      if (this.#underWay.has(region)) return false;
    return true;
  }

  /** `regions` are equal on both sides, on stable storage. */
  clear(host: HostName, regions: Iterable<Region>): void {
    const map = this.#maps.get(host);
    if (map === undefined) return;
    for (const region of regions) if (map.delete(region)) this.#touch(host, region);
    this.#write();
  }

  #touch(host: HostName, region: Region): void {
    const chunks = this.#changed.get(host) ?? new Set();
    this.#changed.set(host, chunks.add(Math.floor(region / CHUNK_REGIONS)));
  }

  /** One at a time: what comes meanwhile goes out together with the next. */
  #write(): void {
    // Marks of a map that was replaced meanwhile are durable with whatever goes out next.
    if (this.#isWriting || (this.#changed.size === 0 && this.#marked.size === 0)) return;
    const changes = [...this.#changed].map(([host, chunks]) => ({
      host,
      anew: false,
      chunks: [...chunks].flatMap((at) => this.#maps.get(host)?.chunk(at) ?? []),
    }));
    const marked = this.#marked;
    this.#changed = new Map();
    this.#marked = new Set();
    this.#isWriting = true;
    this.#core.persist(
      {},
      () => {
        this.#isWriting = false;
        for (const region of marked) {
          const left = (this.#underWay.get(region) ?? 1) - 1;
          if (left === 0) this.#underWay.delete(region);
          else this.#underWay.set(region, left);
        }
        this.#write();
        this.onMarked();
      },
      changes,
    );
  }
}
