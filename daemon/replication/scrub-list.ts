/** What a scrub has still to look at, and what it waits for: so, where it is. */
import type { Primary } from './primary.ts';
import { type ByteRange, type HostName, REGION_BYTES, type Region, regionRange } from './units.ts';
import type { Side } from './verdict.ts';

/** Regions that are looked at for holes at once: 256 MiB. */
const LOOK_REGIONS = 4096;

export type Step =
  | { readonly type: 'look'; readonly first: Region; readonly count: number; readonly lock: ByteRange }
  | { readonly type: 'compare'; readonly region: Region; readonly lock: ByteRange }
  | { readonly type: 'copy'; readonly region: Region; readonly to: HostName; readonly lock: ByteRange };

interface Asked {
  readonly id: number;
  readonly first: Region;
  /** Those that have not answered. */
  readonly waiting: Set<HostName>;
}

export type Open =
  | (Asked & {
      readonly type: 'holes';
      readonly count: number;
      /** Holes everywhere, as far as it was answered. */
      common: number;
    })
  | (Asked & { readonly type: 'compare'; readonly own: Side; readonly others: Side[] });

/** Regions from `first` to before `end`. */
interface Stretch {
  first: Region;
  readonly end: Region;
  /** Before it each region is compared by its digest. */
  dataEnd: Region;
}

export class ScrubList {
  /** The last one is looked at next; no two have a region in common. */
  #stretches: Stretch[];
  readonly #asked = new Map<number, Open>();
  /** To be copied to a member. */
  #toCopy: { readonly region: Region; readonly to: HostName }[] = [];
  /** Written anew just now, by whom. */
  readonly #repairing = new Map<Region, HostName>();
  #end: Region;

  constructor(from: Region, end: Region) {
    this.#end = end;
    this.#stretches = from < end ? [{ first: from, end, dataEnd: from }] : [];
  }

  get end(): Region {
    return this.#end;
  }

  /** Every region before it was compared. */
  get cursor(): Region {
    let cursor = this.#end;
    for (const { first } of this.#stretches) cursor = Math.min(cursor, first);
    for (const { first } of this.#asked.values()) cursor = Math.min(cursor, first);
    for (const { region } of this.#toCopy) cursor = Math.min(cursor, region);
    for (const region of this.#repairing.keys()) cursor = Math.min(cursor, region);
    return cursor;
  }

  /** What was added is looked at last. */
  grow(end: Region): void {
    this.#stretches.unshift({ first: this.#end, end, dataEnd: this.#end });
    this.#end = end;
  }

  get underWay(): number {
    return this.#asked.size + this.#repairing.size;
  }

  get isEmpty(): boolean {
    return this.underWay === 0 && this.#stretches.length === 0 && this.#toCopy.length === 0;
  }

  /** It is the next one until it is said to be done. Only as much is looked at as need not wait for a write. */
  next(primary: Primary): Step | undefined {
    const [copy] = this.#toCopy;
    if (copy !== undefined) return { type: 'copy', ...copy, lock: regionRange(copy.region) };
    const stretch = this.#stretches.at(-1);
    if (stretch === undefined) return undefined;
    const { first, end, dataEnd } = stretch;
    if (first < dataEnd) return { type: 'compare', region: first, lock: regionRange(first) };
    const count = Math.max(1, primary.quietRegions(first, Math.min(LOOK_REGIONS, end - first)));
    const lock = { offset: first * REGION_BYTES, length: count * REGION_BYTES };
    return { type: 'look', first, count, lock };
  }

  /** There is something in them. */
  data(first: Region, count: number): void {
    const stretch = this.#stretchAt(first);
    if (stretch !== undefined) stretch.dataEnd = Math.min(stretch.end, first + count);
  }

  holes(id: number, first: Region, count: number, hosts: readonly HostName[]): void {
    this.#advance(first, count);
    this.#asked.set(id, { type: 'holes', id, first, count, common: count, waiting: new Set(hosts) });
  }

  compare(id: number, region: Region, own: Side, hosts: readonly HostName[]): void {
    this.#advance(region, 1);
    this.#asked.set(id, { type: 'compare', id, first: region, own, others: [], waiting: new Set(hosts) });
  }

  /** What this host was asked and had not answered; undefined: nothing that is known of any more. */
  answered(id: number, host: HostName): Open | undefined {
    const open = this.#asked.get(id);
    return open?.waiting.delete(host) === true ? open : undefined;
  }

  settled(id: number): void {
    this.#asked.delete(id);
  }

  /** Where a member has no hole, there may be zeroes, or not: that region is compared by its digest. */
  holesCompared({ id, first, count, common }: Extract<Open, { type: 'holes' }>): void {
    this.settled(id);
    if (common >= count) return;
    const next = first + common;
    this.#stretches.push({ first: next, end: first + count, dataEnd: next + 1 });
  }

  toCopy(region: Region, to: HostName): void {
    this.#toCopy.push({ region, to });
  }

  /** It is written anew on that host. */
  repairs(region: Region, host: HostName): void {
    this.#toCopy = this.#toCopy.filter((copy) => copy.region !== region);
    this.#repairing.set(region, host);
  }

  /** It is compared once more. False: it was not under way. */
  repairDone(region: Region, host: HostName): boolean {
    if (this.#repairing.get(region) !== host) return false;
    this.#repairing.delete(region);
    this.#stretches.push({ first: region, end: region + 1, dataEnd: region + 1 });
    return true;
  }

  #stretchAt(first: Region): Stretch | undefined {
    return this.#stretches.find((stretch) => stretch.first === first);
  }

  #advance(first: Region, count: number): void {
    const stretch = this.#stretchAt(first);
    if (stretch === undefined) return;
    stretch.first += count;
    if (stretch.first >= stretch.end) this.#stretches = this.#stretches.filter((other) => other !== stretch);
  }
}
