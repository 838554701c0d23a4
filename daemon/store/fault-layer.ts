/**
 * A layer over a volume's disk that fails, is late or hangs as it is told, for tests on real processes. Only a daemon
 * that was started for such a test has it (`LOCKSTEP_TEST_FAULTS=1`).
 *
 * It draws no lots: of operations that are to fail in part, every n-th does.
 */
import type { DiskFailure } from '../replication/interface.ts';
import { type ByteRange, type Region, regionRange } from '../replication/units.ts';
import type { RegionRun } from './layers/layer-map.ts';
import type { Extent, RangeDone, RegionContent, RegionRead, Seed, Store } from './store.ts';
import { SECTOR_BYTES, UnflushedSectors } from './unflushed.ts';

export type DiskOperation = 'read' | 'write' | 'flush';

export interface DiskFault {
  readonly operation: DiskOperation;
  /** Undefined: it is only late. */
  readonly failure: DiskFailure | undefined;
  /** Of 1000 operations, so many are hit. */
  readonly perMille: number;
  readonly delayMs: number;
  /** 0: until other faults are set. */
  readonly durationMs: number;
  /** Whole sectors of which each fails to be read until it is written. */
  readonly badSectors: ByteRange | undefined;
  /** Of a flush that fails: sectors that it should have made durable hold again what they held before. Hits once. */
  readonly dropsUnflushed: boolean;
}

interface Armed extends DiskFault {
  readonly untilMs: number;
  /** Thousandths of a hit that the operations so far have added up to. */
  due: number;
}

const WHOLE = 1000;

/** What the disks of one host suffer, and the layers that make them suffer it. */
export class DiskFaults {
  readonly #nowMs: () => number;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #badSectors = new Set<number>();
  readonly #layers = new Set<FaultLayer>();
  #armed: Armed[] = [];
  #hits = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** In place of those before. Answers how many operations those have hit. */
  set(faults: readonly DiskFault[]): number {
    const hits = this.#hits;
    this.#hits = 0;
    this.#badSectors.clear();
    for (const { badSectors } of faults)
      if (badSectors !== undefined) for (const sector of sectorsOf(badSectors)) this.#badSectors.add(sector);
    this.#armed = faults
      .filter((fault) => fault.badSectors === undefined)
      .map((fault) => ({
        ...fault,
        untilMs: fault.durationMs === 0 ? Infinity : this.#nowMs() + fault.durationMs,
        due: 0,
      }));
    return hits;
  }

  over(store: Store): Store {
    const layer = new FaultLayer(store, this);
    this.#layers.add(layer);
    return layer;
  }

  closed(layer: FaultLayer): void {
    this.#layers.delete(layer);
  }

  /** The process has to end before it does anything else. */
  losePower(seed: number): void {
    for (const layer of this.#layers) layer.losePower(seed);
  }

  /** The fault that this operation meets, if any. */
  hit(operation: DiskOperation): DiskFault | undefined {
    const nowMs = this.#nowMs();
    for (const fault of this.#armed) {
      if (fault.operation !== operation || nowMs >= fault.untilMs) continue;
      fault.due += fault.perMille;
      if (fault.due < WHOLE) continue;
      fault.due -= WHOLE;
      this.#hits++;
      if (fault.dropsUnflushed) this.#armed = this.#armed.filter((other) => other !== fault);
      return fault;
    }
    return undefined;
  }

  /** Nothing else of the process goes on meanwhile: so it is with a read or a write that the kernel does not answer. */
  hang(ms: number): void {
    if (ms > 0) Atomics.wait(this.#sleeper, 0, 0, ms);
  }

  isBad(range: ByteRange): boolean {
    if (this.#badSectors.size === 0 || !sectorsOf(range).some((sector) => this.#badSectors.has(sector)))
      return false;
    this.#hits++;
    return true;
  }

  written({ offset, length }: ByteRange): void {
    if (this.#badSectors.size === 0) return;
    const first = Math.ceil(offset / SECTOR_BYTES);
    const end = Math.floor((offset + length) / SECTOR_BYTES);
    for (let sector = first; sector < end; sector++) this.#badSectors.delete(sector);
  }
}

class FaultLayer implements Store {
  readonly #store: Store;
  readonly #faults: DiskFaults;
  readonly #unflushed: UnflushedSectors;
  #flushes = 0;
  #closed = false;

  constructor(store: Store, faults: DiskFaults) {
    this.#store = store;
    this.#faults = faults;
    this.#unflushed = new UnflushedSectors(store);
  }

  get sizeBytes(): number {
    return this.#store.sizeBytes;
  }

  get zeroesFast(): boolean {
    return this.#store.zeroesFast;
  }

  get allocatedBytes(): number {
    return this.#store.allocatedBytes;
  }

  get seed(): Seed | undefined {
    return this.#store.seed;
  }

  get onSeedLost(): (error: unknown) => void {
    return this.#store.onSeedLost;
  }

  set onSeedLost(told: (error: unknown) => void) {
    this.#store.onSeedLost = told;
  }

  get onSyncFailed(): () => void {
    return this.#store.onSyncFailed;
  }

  set onSyncFailed(told: () => void) {
    this.#store.onSyncFailed = told;
  }

  read(range: ByteRange): Buffer {
    this.#beforeRead(range);
    return this.#store.read(range);
  }

  readCached(range: ByteRange, into?: Buffer): Buffer | undefined {
    this.#beforeRead(range);
    return this.#store.readCached(range, into);
  }

  readLater(range: ByteRange, done: RangeDone): void {
    this.#store.readLater(range, done);
  }

  warmForWrite(range: ByteRange): Promise<void> | undefined {
    return this.#store.warmForWrite(range);
  }

  warm(region: Region, from: RegionRead['from']): Promise<void> | undefined {
    return this.#store.warm(region, from);
  }

  readRegion(region: Region, options: RegionRead): RegionContent {
    this.#beforeRead(regionRange(region));
    return this.#store.readRegion(region, options);
  }

  write(offset: number, data: Uint8Array): void {
    const fault = this.#faults.hit('write');
    this.#faults.hang(fault?.delayMs ?? 0);
    this.#unflushed.aboutToWrite({ offset, length: data.length });
    if (fault?.failure === undefined) this.#store.write(offset, data);
    else {
      this.#store.write(offset, data.subarray(0, halfOf(data.length)));
      throw systemError(fault.failure, 'write');
    }
    this.#faults.written({ offset, length: data.length });
  }

  zero(range: ByteRange, options: { readonly keepSpace: boolean }): void {
    const fault = this.#faults.hit('write');
    this.#faults.hang(fault?.delayMs ?? 0);
    this.#unflushed.aboutToWrite(range);
    if (fault?.failure === undefined) this.#store.zero(range, options);
    else {
      this.#store.zero({ offset: range.offset, length: halfOf(range.length) }, options);
      throw systemError(fault.failure, 'write');
    }
    this.#faults.written(range);
  }

  bytesNeeded(range: ByteRange): number {
    return this.#store.bytesNeeded(range);
  }

  flush(done: (failure: DiskFailure | undefined) => void): void {
    const sealed = this.#unflushed.seal();
    const fault = this.#faults.hit('flush');
    const seed = ++this.#flushes;
    const flush = (): void => {
      this.#store.flush((failure) => {
        if (failure === undefined) this.#unflushed.stable(sealed);
        done(failure);
      });
    };
    if (fault === undefined) {
      flush();
      return;
    }
    setTimeout(() => {
      if (this.#closed) return;
      if (fault.dropsUnflushed) this.#unflushed.lose((sector) => isPicked(sector, seed), sealed);
      if (fault.failure !== undefined) done(fault.failure);
      else flush();
    }, fault.delayMs);
  }

  losePower(seed: number): void {
    this.#unflushed.lose((sector) => isPicked(sector, seed));
  }

  get snapshots(): readonly string[] {
    return this.#store.snapshots;
  }

  changedSince(snapshot: string, within: RegionRun): readonly RegionRun[] | undefined {
    return this.#store.changedSince(snapshot, within);
  }

  prefetch(range: ByteRange): void {
    this.#store.prefetch(range);
  }

  allocatedRegions(): Region[] {
    return this.#store.allocatedRegions();
  }

  extents(range: ByteRange): Iterable<Extent> {
    return this.#store.extents(range);
  }

  takeSeed(id: string): Promise<Seed> {
    return this.#store.takeSeed(id);
  }

  dropSeed(): Promise<void> {
    return this.#store.dropSeed();
  }

  close(): void {
    this.#closed = true;
    this.#faults.closed(this);
    this.#store.close();
  }

  #beforeRead(range: ByteRange): void {
    const fault = this.#faults.hit('read');
    this.#faults.hang(fault?.delayMs ?? 0);
    if (fault?.failure !== undefined) throw systemError(fault.failure, 'read');
    if (this.#faults.isBad(range)) throw systemError('EIO', 'read');
  }
}

/** About half of them, others with another seed. */
const isPicked = (sector: number, seed: number): boolean =>
  Math.imul(sector ^ Math.imul(seed, 0x85eb_ca6b), 0x9e37_79b1) >>> 31 === 1;

/** Whole sectors: no sector is ever half written. */
const halfOf = (length: number): number => Math.floor(length / 2 / SECTOR_BYTES) * SECTOR_BYTES;

function sectorsOf({ offset, length }: ByteRange): number[] {
  const first = Math.floor(offset / SECTOR_BYTES);
  const end = Math.ceil((offset + length) / SECTOR_BYTES);
  return Array.from({ length: end - first }, (_, index) => first + index);
}

function systemError(code: DiskFailure, operation: DiskOperation): Error {
  return Object.assign(new Error(`${code}: a fault that a test asked for, ${operation}`), { code });
}
