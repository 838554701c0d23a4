/**
 * A layer and all below it, seen as one array of bytes: each region is read from the newest layer that holds it.
 *
 * The owner of a region is kept as its place in a table of layers: two bytes for each, in pieces of one map page that
 * are made when they are first asked for, so 32 MiB for a volume of 1 TiB that is written all over, and nothing for a
 * volume of one layer. When layers become one, only the table changes.
 */
import type { ByteRange } from '../../replication/units.ts';
import { assert, LockstepError } from '../../sys/errors.ts';
import type { Extent, RangeDone } from '../store.ts';
import type { Layer } from './layer.ts';
import { changedRuns } from './diff.ts';
import { type LateDone, LateReads } from './late-reads.ts';
import { COMING, PAGE_REGIONS, PRESENT, type RegionRun } from './layer-map.ts';

/** Parts of a range that one layer has. */
export interface Piece extends ByteRange {
  readonly owner: Layer;
}

const BOTTOM = 0;
const MAX_LAYERS = 0xffff;
const WORD_ENTRIES = Uint32Array.BYTES_PER_ELEMENT;

export class Stack {
  readonly regionBytes: number;
  #top: Layer;
  /** By the numbers in `#owners`. The bottom is 0; a layer that became part of another is that one. */
  readonly #table: Layer[];
  readonly #owners = new Map<number, Uint16Array>();
  readonly #late = new LateReads({
    read: (into, offset) => {
      this.read(into, offset);
    },
    cached: (into, offset) => this.readCached(into, offset),
    later: (into, offset, done) => {
      this.#readPieces(into, offset, done);
    },
  });

  constructor(top: Layer, regionBytes: number) {
    this.regionBytes = regionBytes;
    this.#top = top;
    this.#table = [...chain(top)].reverse();
    assert(this.#table[BOTTOM]?.map === undefined, 'the lowest layer holds all');
  }

  get top(): Layer {
    return this.#top;
  }

  get bottom(): Layer {
    return this.#at(BOTTOM);
  }

  /** Of one layer, which has all. */
  get isPlain(): boolean {
    return this.#top === this.#table[BOTTOM];
  }

  /** From the top down. */
  layers(): Iterable<Layer> {
    return chain(this.#top);
  }

  owner(region: number): Layer {
    if (this.isPlain) return this.#top;
    const page = Math.floor(region / PAGE_REGIONS);
    const owners = this.#owners.get(page) ?? this.#load(page);
    return this.#at(owners[region - page * PAGE_REGIONS] ?? BOTTOM);
  }

  setOwner({ first, count }: RegionRun, layer: Layer): void {
    this.changed(first * this.regionBytes, count * this.regionBytes);
    if (this.isPlain) return;
    const index = this.#table.lastIndexOf(layer);
    assert(index >= 0, `layer ${layer.id} is one of the stack`);
    for (let region = first; region < first + count;) {
      const page = Math.floor(region / PAGE_REGIONS);
      const owners = this.#owners.get(page) ?? this.#load(page);
      const end = Math.min(first + count, (page + 1) * PAGE_REGIONS);
      owners.fill(index, region - page * PAGE_REGIONS, end - page * PAGE_REGIONS);
      region = end;
    }
  }

  /** Puts an empty layer on top. */
  push(layer: Layer): void {
    assert(layer.parent === this.#top, `layer ${layer.id} stands on the top of the stack`);
    this.#top = layer;
    this.#table.push(layer);
    if (this.#table.length > MAX_LAYERS) this.#renumber();
  }

  /** `gone` is part of `by` now, in all that this stack shows: they were neighbours. */
  merged(gone: Layer, by: Layer): void {
    this.#table.forEach((layer, index) => {
      if (layer === gone) this.#table[index] = by;
    });
    if (this.#top === gone) this.#top = by;
    if (this.isPlain) this.#owners.clear();
  }

  /** The parts of a range by their owners, in order, each as long as it can be. */
  *pieces({ offset, length }: ByteRange): Generator<Piece> {
    const end = offset + length;
    for (let at = offset; at < end;) {
      const owner = this.owner(Math.floor(at / this.regionBytes));
      let next = this.isPlain ? end : this.#nextRegion(at);
      while (next < end && this.owner(next / this.regionBytes) === owner) next += this.regionBytes;
      next = Math.min(next, end);
      yield { owner, offset: at, length: next - at };
      at = next;
    }
  }

  read(into: Uint8Array, offset: number): void {
    if (this.isPlain) {
      this.#top.read(into, offset);
      return;
    }
    for (const piece of this.pieces({ offset, length: into.length })) {
      const from = piece.offset - offset;
      piece.owner.read(into.subarray(from, from + piece.length), piece.offset);
    }
  }

  /** From memory alone; undefined: some of it has to be read from the disk. Throws as `read` does. */
  rangeCached({ offset, length }: ByteRange, into: Buffer = Buffer.allocUnsafe(length)): Buffer | undefined {
    return this.readCached(into, offset) ? into : undefined;
  }

  /** Calls back in a later turn, with what the stack shows then. */
  rangeLater({ offset, length }: ByteRange, done: RangeDone): void {
    const data = Buffer.allocUnsafe(length);
    this.#late.begin(data, offset, (error) => {
      done(error ?? data);
    });
  }

  /** From memory alone. False: some of it is not there, and what `into` holds is nothing. Throws as `read` does. */
  readCached(into: Uint8Array, offset: number): boolean {
    if (this.isPlain) return this.#top.readCached(into, offset);
    for (const piece of this.pieces({ offset, length: into.length })) {
      const from = piece.offset - offset;
      if (!piece.owner.readCached(into.subarray(from, from + piece.length), piece.offset)) return false;
    }
    return true;
  }

  /** Said of each change to what it shows. */
  changed(offset: number, length: number): void {
    this.#late.changed(offset, length);
  }

  /** Nothing that is asked for is given any more: what it shows may be another's from here on. */
  endReads(why: Error): void {
    this.#late.end(why);
  }

  /** Brings a region, or a part of one, into the page cache; undefined: it is there already. What cannot be read is told to whoever reads it. */
  warm(range: ByteRange): Promise<void> | undefined {
    const cold: Promise<void>[] = [];
    try {
      for (const { owner, offset, length } of this.pieces(range)) {
        const found = owner.warm({ offset, length });
        if (found !== undefined) cold.push(found);
      }
    } catch {
      // Of a map that cannot be read the read says so.
    }
    return together(cold);
  }

  /** A hint that the range is read soon: where a map cannot be read, the read itself will say so. */
  prefetch(range: ByteRange): void {
    try {
      for (const { owner, offset, length } of this.pieces(range)) owner.prefetch({ offset, length });
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
    }
  }

  /** The whole range, in order; neighbours differ in kind. */
  *extents(range: ByteRange): Generator<Extent> {
    let last: Extent | undefined;
    for (const next of this.#extents(range)) {
      if (last?.kind === next.kind) last = { ...last, length: last.length + next.length };
      else {
        if (last !== undefined) yield last;
        last = next;
      }
    }
    if (last !== undefined) yield last;
  }

  *#extents(range: ByteRange): Generator<Extent> {
    for (const { owner, offset, length } of this.pieces(range)) {
      let at = offset;
      const end = offset + length;
      for (const data of offset < owner.data.sizeBytes ? owner.data.extents(offset) : []) {
        const start = Math.max(at, Math.min(data.start, end));
        const stop = Math.min(data.end, end);
        if (start > at) yield { offset: at, length: start - at, kind: 'hole' };
        if (stop > start) yield { offset: start, length: stop - start, kind: 'data' };
        at = Math.max(start, stop);
        if (at >= end) break;
      }
      if (at < end) yield { offset: at, length: end - at, kind: 'hole' };
    }
  }

  /** Regions that layers above `below` hold: all that can differ from it. In order. */
  heldAbove(below: Layer): number[] {
    const sizes = [...chain(this.#top)].map(({ data }) => data.sizeBytes);
    const all = { first: 0, count: Math.ceil(Math.max(...sizes) / this.regionBytes) };
    const held: number[] = [];
    for (const { first, count } of changedRuns(below, this.#top, all))
      for (let region = first; region < first + count; region++) held.push(region);
    return held;
  }

  #readPieces(into: Uint8Array, offset: number, done: LateDone): void {
    let left = 1;
    let failure: Error | undefined;
    const ended = (error: Error | undefined): void => {
      failure ??= error;
      if (--left === 0) done(failure);
    };
    try {
      for (const piece of this.pieces({ offset, length: into.length })) {
        const from = piece.offset - offset;
        piece.owner.readLater(into.subarray(from, from + piece.length), piece.offset, ended);
        left++;
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    queueMicrotask(() => {
      ended(undefined);
    });
  }

  /** Layers that became part of others keep their numbers until there are no more. */
  #renumber(): void {
    this.#owners.clear();
    this.#table.splice(0, this.#table.length, ...[...chain(this.#top)].reverse());
    assert(this.#table.length <= MAX_LAYERS, 'a stack has at most 65,535 layers');
  }

  #nextRegion(at: number): number {
    return (Math.floor(at / this.regionBytes) + 1) * this.regionBytes;
  }

  #at(index: number): Layer {
    const layer = this.#table[index];
    assert(layer !== undefined, 'an owner is in the table');
    return layer;
  }

  #load(page: number): Uint16Array {
    const owners = new Uint16Array(PAGE_REGIONS);
    let index = this.#table.length;
    for (const layer of chain(this.#top)) {
      const entries = layer.map?.page(page);
      if (entries === undefined) continue;
      // The layers are in the table in their order.
      index = this.#table.lastIndexOf(layer, index - 1);
      // Most entries are absent: it is looked for others four at a time.
      const words = new Uint32Array(entries.buffer, entries.byteOffset, PAGE_REGIONS / WORD_ENTRIES);
      for (let word = 0; word < words.length; word++) {
        if (words[word] === 0) continue;
        for (let at = word * WORD_ENTRIES; at < (word + 1) * WORD_ENTRIES; at++) {
          const entry = entries[at];
          if (owners[at] === BOTTOM && (entry === COMING || entry === PRESENT)) owners[at] = index;
        }
      }
    }
    this.#owners.set(page, owners);
    return owners;
  }
}

/** Undefined: there are none. */
export function together(cold: readonly Promise<void>[]): Promise<void> | undefined {
  return cold.length < 2 ? cold[0] : Promise.all(cold).then(() => undefined);
}

function* chain(top: Layer): Generator<Layer> {
  for (let layer: Layer | undefined = top; layer !== undefined; layer = layer.parent) yield layer;
}
