/**
 * The writable volume: a stack of layers of which the newest are open. A region that an open layer holds is written in
 * place; one that a sealed layer holds is first copied to the lowest open one. There is one open layer, but after a
 * snapshot was deleted: then the head is drained into the layer below, which was the snapshot's, until it is empty.
 */
import type { ByteRange } from '../../replication/units.ts';
import { assert, LockstepError } from '../../sys/errors.ts';
import { flushLayers } from './flush-layers.ts';
import { type Flushed, type FlushedFor, Flushes } from './flushes.ts';
import type { Layer } from './layer.ts';
import { ABSENT, LEAVING, PRESENT, type RegionRun } from './layer-map.ts';
import { disown, settle } from './settle.ts';
import { type Piece, Stack, together } from './stack.ts';

/** Of the page cache: what is written in part is read first. */
const PAGE_BYTES = 4096;

export class LayeredVolume {
  readonly name: string;
  #stack: Stack;
  readonly #regionBytes: number;
  readonly #scratch: Buffer;
  #sizeBytes: number;
  /** Of the open layers: more than the volume has while it grows. */
  #roomBytes: number;
  /** From the lowest up; the last is the head. */
  #open: Layer[];
  /** Below a head that is new, and not all on stable storage yet. From the lowest up. */
  #frozen: Layer[] = [];
  readonly #flushes = new Flushes({
    refusal: () => (this.#hasEnded ? new Error(`volume ${this.name} is closed`) : this.#failure),
    sync: (done) => {
      this.#sync(done);
    },
    told: () => {
      this.#isFailureTold = this.hasFailed;
    },
  });
  #hasEnded = false;
  /** Of a sync, or of an entry that could not be changed back: nothing more is called stable until `heal`. */
  #failure: Error | undefined;
  #failures = 0;
  #isFailureTold = false;
  #isHealing = false;
  #drainedTo = 0;
  /** Called when it has failed and no client was told: whoever relies on what was written has to ask for a flush. */
  onFailed: () => void = () => undefined;
  /** Behind those that are told by the flush that failed. */
  readonly #tellFailed = (): void => {
    if (this.hasFailed && !this.#isFailureTold) this.onFailed();
  };

  constructor(
    name: string,
    { stack, open, sizeBytes }: { stack: Stack; open: readonly Layer[]; sizeBytes: number },
  ) {
    this.name = name;
    this.#stack = stack;
    this.#regionBytes = stack.regionBytes;
    this.#scratch = Buffer.allocUnsafeSlow(stack.regionBytes);
    this.#sizeBytes = sizeBytes;
    this.#roomBytes = sizeBytes;
    this.#open = [...open];
    assert(this.head === stack.top, 'the head is open');
    for (const layer of open) this.#watch(layer);
  }

  get stack(): Stack {
    return this.#stack;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get head(): Layer {
    const head = this.#open.at(-1);
    assert(head !== undefined, 'a volume has an open layer');
    return head;
  }

  /** From the lowest up; the last is the head. */
  get open(): readonly Layer[] {
    return this.#open;
  }

  /** Below a head that is new, and not sealed. */
  get frozen(): readonly Layer[] {
    return this.#frozen;
  }

  /** Nothing is drained. */
  get isSettled(): boolean {
    return this.#open.length === 1;
  }

  read({ offset, length }: ByteRange): Buffer {
    const data = Buffer.allocUnsafe(length);
    this.#stack.read(data, offset);
    return data;
  }

  /** In the page cache when it returns. Throws the system's error; sectors that were written before it stay. */
  write(offset: number, data: Uint8Array): void {
    this.#refuseHealing();
    this.#flushes.wrote();
    const stack = this.#stack;
    stack.changed(offset, data.length);
    const region = Math.floor(offset / this.#regionBytes);
    if (stack.isPlain || offset + data.length <= (region + 1) * this.#regionBytes) {
      const owner = stack.owner(region);
      if (this.#isOpen(owner)) {
        owner.data.write(data, offset);
        return;
      }
    }
    for (const piece of stack.pieces({ offset, length: data.length })) {
      const part = data.subarray(piece.offset - offset, piece.offset - offset + piece.length);
      if (this.#isOpen(piece.owner)) piece.owner.data.write(part, piece.offset);
      else this.#adopt(piece, part);
    }
  }

  /** Brings into memory what a write there has to read first; undefined: it is there already, or nothing is needed. */
  warmForWrite({ offset, length }: ByteRange): Promise<void> | undefined {
    const end = offset + length;
    if (this.#stack.isPlain && offset % PAGE_BYTES === 0 && end % PAGE_BYTES === 0) return undefined;
    const cold: Promise<void>[] = [];
    // What is written whole is not read: only where the range begins and ends in the midst of something.
    for (const at of new Set([offset, end])) {
      if (at % this.#regionBytes === 0) continue;
      const isInPlace = this.#isHeldOpen(Math.floor(at / this.#regionBytes));
      const unit = isInPlace ? PAGE_BYTES : this.#regionBytes;
      if (at % unit === 0) continue;
      const found = this.#stack.warm({ offset: at - (at % unit), length: unit });
      if (found !== undefined) cold.push(found);
    }
    return together(cold);
  }

  /**
   * Bytes of the file system that a write there takes at most; 0: all of it is written in place. `thawed`: of what is
   * frozen and can be thawed, too.
   */
  bytesNeeded(range: ByteRange, { thawed }: { readonly thawed: boolean }): number {
    let bytes = 0;
    for (const piece of this.#stack.pieces(range)) {
      const isInPlace = this.#isOpen(piece.owner) || (thawed && this.#frozen.includes(piece.owner));
      bytes += isInPlace ? holesIn(piece) : this.#runOf(piece).count * this.#regionBytes;
    }
    return bytes;
  }

  zero(range: ByteRange, options: { readonly keepSpace: boolean }): void {
    if (range.length === 0) return;
    this.#refuseHealing();
    this.#flushes.changed();
    this.#stack.changed(range.offset, range.length);
    for (const piece of this.#stack.pieces(range)) {
      if (this.#isOpen(piece.owner)) piece.owner.data.zero(piece, options);
      else if (options.keepSpace || piece.owner.holdsData(piece)) this.#adoptZeroes(piece, options);
    }
  }

  /**
   * Calls back once what was written before is on stable storage, or with what went wrong; never before it returns. After
   * a failure all fail, until it was told to a client and the volume is healed.
   */
  flush(done: Flushed, by: FlushedFor = 'client'): void {
    this.#flushes.request(done, by);
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** How often it has failed since it was opened. */
  get failures(): number {
    return this.#failures;
  }

  /** Whoever relies on what was written knows that it may be lost. */
  get canHeal(): boolean {
    return this.hasFailed && this.#isFailureTold && !this.#flushes.isUnderWay;
  }

  /**
   * What was on its way is taken back, as after a loss of power: the layers below still have what was flushed. In
   * regions that were written in place, anything since the last flush may be lost. Nobody reads or writes usefully
   * meanwhile: whoever was told of the failure has given this copy up.
   */
  async heal(bootId: string): Promise<void> {
    this.#flushes.changed();
    const layers = [...this.#frozen, ...this.#open];
    this.#isHealing = true;
    try {
      disown(layers);
      for (const layer of layers) {
        layer.takeTransitional();
        layer.startAnew();
      }
      await settle(layers, bootId, this.#regionBytes);
      this.#show(new Stack(this.head, this.#regionBytes));
      this.#drainedTo = 0;
      this.#failure = undefined;
      this.#isFailureTold = false;
    } finally {
      this.#isHealing = false;
    }
  }

  /** Nothing is flushed any more; resolves once what was under way has ended. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await new Promise<unknown>((resolve) => {
      this.flush(resolve, 'store');
    });
  }

  /** Throws where anything but a hole lies at or behind `sizeBytes`. */
  checkUnusedFrom(sizeBytes: number): void {
    const end = { offset: sizeBytes, length: this.#sizeBytes - sizeBytes };
    const used = [...this.stack.extents(end)].find(({ kind }) => kind !== 'hole');
    if (used === undefined) return;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `volume ${this.name} is in use at ${String(used.offset)}, behind ${String(sizeBytes)}; discard first what is not needed`,
      { reason: 'END_IN_USE', metadata: { volume: this.name } },
    );
  }

  /** For a volume that is larger, also of what is opened from here on. Answers the layers that have to be made so on stable storage. */
  makeRoom(sizeBytes: number): readonly Layer[] {
    this.#flushes.changed();
    this.#roomBytes = Math.max(this.#roomBytes, sizeBytes);
    for (const layer of this.#open) layer.makeRoom(sizeBytes, this.#regionBytes);
    return [...this.#open];
  }

  resized(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
  }

  /** From here on `head`, which is empty, takes what is written. Answers what no write reaches any more. */
  freeze(head: Layer): readonly Layer[] {
    this.#flushes.changed();
    const frozen = this.#open;
    this.#watch(head);
    this.#frozen.push(...frozen);
    this.#stack.push(head);
    this.#open = [head];
    this.#drainedTo = 0;
    return frozen;
  }

  /** They are on stable storage: a flush that was asked for after `freeze` has ended. */
  sealed(layers: readonly Layer[]): void {
    this.#frozen = this.#frozen.filter((layer) => !layers.includes(layer));
  }

  /** What lies right below the open layers, and was frozen and not sealed, is open again. */
  thaw(layers: readonly Layer[]): void {
    this.#flushes.changed();
    // Before anything changes: it may fail.
    for (const layer of layers) layer.makeRoom(this.#roomBytes, this.#regionBytes);
    this.#frozen = this.#frozen.filter((layer) => !layers.includes(layer));
    this.#open.unshift(...layers);
  }

  /**
   * All from `top` down. False: it is not frozen, or a snapshot that is not complete yet lies above it, and shows what
   * would be written.
   */
  thawFrom(top: Layer): boolean {
    if (this.#frozen.at(-1) !== top) return false;
    this.thaw(this.#frozen);
    return true;
  }

  /** On other layers from here on. */
  restart(stack: Stack): void {
    assert(!this.#flushes.isUnderWay, 'nothing goes on while a volume is changed for another');
    this.#flushes.changed();
    this.#show(stack);
    this.#open = [stack.top];
    this.#frozen = [];
    this.#watch(stack.top);
    this.#drainedTo = 0;
  }

  /** The layer below the open ones, as long as the volume, belongs to nobody else: it is written in place. */
  openBelow(layer: Layer): void {
    assert(this.#open[0]?.parent === layer, 'what is opened lies below what is open');
    this.#flushes.changed();
    this.#watch(layer);
    layer.startAnew();
    this.#open.unshift(layer);
  }

  /** What the next `drain` of so many regions moves is in memory when it resolves. */
  async warmForDrain(maxRegions: number): Promise<void> {
    const { head } = this;
    let warmed = 0;
    for (const [region, entry] of head.map?.entries(this.#drainedTo) ?? []) {
      if (entry !== PRESENT) continue;
      await head.warm({ offset: region * this.#regionBytes, length: this.#regionBytes });
      if (++warmed >= maxRegions) return;
    }
  }

  /**
   * Moves some regions of the head into the open layer below. What was written since the last flush stays until the
   * next; 'empty': the head holds nothing, also on stable storage.
   */
  drain(maxRegions: number): 'moved' | 'needs flush' | 'empty' {
    this.#flushes.changed();
    const [below, head] = this.#open.slice(-2);
    assert(below !== undefined && head?.map !== undefined, 'there is a layer to drain into');
    let moved = 0;
    let waits = this.#drainedTo > 0;
    for (const [region, entry] of head.map.entries(this.#drainedTo)) {
      if (entry === PRESENT) this.#move(region, head, below);
      else waits = true;
      this.#drainedTo = region + 1;
      if (entry === PRESENT && ++moved >= maxRegions) return 'moved';
    }
    this.#drainedTo = 0;
    return waits || head.isTransitional ? 'needs flush' : 'empty';
  }

  /** The head is empty and out of the catalogue. */
  dropHead(): Layer {
    this.#flushes.changed();
    const head = this.#open.pop();
    assert(head !== undefined && head.parent === this.head, 'a drained head has an open layer below');
    this.#stack.merged(head, this.head);
    this.#drainedTo = 0;
    return head;
  }

  #show(stack: Stack): void {
    const why = `EIO: volume ${this.name} was put on other layers during a read`;
    this.#stack.endReads(Object.assign(new Error(why), { code: 'EIO' }));
    this.#stack = stack;
  }

  #isHeldOpen(region: number): boolean {
    try {
      return this.#isOpen(this.#stack.owner(region));
    } catch {
      // Of a map that cannot be read the write says so.
      return true;
    }
  }

  #isOpen(layer: Layer): boolean {
    return this.#open.length === 1 ? layer === this.#open[0] : this.#open.includes(layer);
  }

  /** Where a region goes that no open layer holds: the lowest, so that a head that is drained becomes empty. */
  get #target(): Layer {
    const [target] = this.#open;
    assert(target !== undefined, 'a volume has an open layer');
    return target;
  }

  #adopt(piece: Piece, data: Uint8Array): void {
    const target = this.#target;
    const regionBytes = this.#regionBytes;
    const end = piece.offset + piece.length;
    for (let at = piece.offset; at < end;) {
      const start = at - (at % regionBytes);
      const wholeEnd = end - (end % regionBytes);
      const next = at === start && wholeEnd > at ? wholeEnd : Math.min(start + regionBytes, end);
      const part = data.subarray(at - piece.offset, next - piece.offset);
      if (at === start && wholeEnd > at) target.data.write(part, at);
      else this.#copyUp(piece.owner, start, { part, at });
      at = next;
    }
    this.#came(this.#runOf(piece));
  }

  #adoptZeroes(piece: Piece, options: { readonly keepSpace: boolean }): void {
    const regionBytes = this.#regionBytes;
    const end = piece.offset + piece.length;
    const wholeStart = Math.ceil(piece.offset / regionBytes) * regionBytes;
    const wholeEnd = end - (end % regionBytes);
    if (wholeStart >= wholeEnd) {
      this.#adopt(piece, Buffer.alloc(piece.length));
      return;
    }
    const { owner } = piece;
    const head = { owner, offset: piece.offset, length: wholeStart - piece.offset };
    const tail = { owner, offset: wholeEnd, length: end - wholeEnd };
    for (const part of [head, tail]) if (part.length > 0) this.#adopt(part, Buffer.alloc(part.length));
    const whole = { offset: wholeStart, length: wholeEnd - wholeStart };
    this.#target.data.zero(whole, options);
    this.#came(this.#runOf(whole));
  }

  /** The region that begins at `start`, as its owner has it but for the part; what the target held there is junk. */
  #copyUp(
    owner: Layer,
    start: number,
    { part, at }: { readonly part: Uint8Array; readonly at: number },
  ): void {
    const { data } = this.#target;
    const range = { offset: start, length: this.#regionBytes };
    if (owner.holdsData(range)) {
      owner.read(this.#scratch, start);
      this.#scratch.set(part, at - start);
      data.write(this.#scratch, start);
      return;
    }
    if (data.holdsData(range)) data.zero(range, { keepSpace: false });
    data.write(part, at);
  }

  /** Last, when all of its data is in the page cache: until then the older layer shows. */
  #came(run: RegionRun): void {
    const target = this.#target;
    assert(target.map !== undefined, 'a layer that holds all is not asked to take a region');
    this.#come(target, run);
    this.#stack.setOwner(run, target);
  }

  #come(layer: Layer, run: RegionRun): void {
    try {
      layer.map?.come(run);
    } catch (error) {
      if (layer.map?.isUnsure === true) this.#fail(error);
      throw error;
    }
    layer.coming(run);
  }

  #watch(layer: Layer): void {
    layer.onSyncFailed = (error) => {
      if (this.#frozen.includes(layer) || this.#open.includes(layer)) this.#fail(error);
    };
  }

  #fail(error: unknown): void {
    if (this.#failure === undefined) {
      this.#failures++;
      setImmediate(this.#tellFailed);
    }
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    disown([...this.#frozen, ...this.#open]);
  }

  #refuseHealing(): void {
    if (this.#isHealing) throw this.#failure ?? new Error(`volume ${this.name} is put in order`);
  }

  #runOf({ offset, length }: ByteRange): RegionRun {
    const first = Math.floor(offset / this.#regionBytes);
    return { first, count: Math.ceil((offset + length) / this.#regionBytes) - first };
  }

  #move(region: number, head: Layer, below: Layer): void {
    const range = { offset: region * this.#regionBytes, length: this.#regionBytes };
    const run = { first: region, count: 1 };
    if (head.holdsData(range)) {
      head.read(this.#scratch, range.offset);
      below.data.write(this.#scratch, range.offset);
    } else if (below.holdsData(range)) below.data.zero(range, { keepSpace: false });
    if (below.map?.get(region) === ABSENT) this.#come(below, run);
    head.map?.set(run, LEAVING);
    head.leaving(run);
    this.#stack.setOwner(run, below);
  }

  #sync(done: Flushed): void {
    const layers = [...this.#frozen, ...this.#open];
    const [only] = layers;
    if (layers.length === 1 && only?.isTransitional === false) {
      only.syncThen('data', done);
      return;
    }
    const failed = (error: unknown): void => {
      this.#fail(error);
      done(this.#failure);
    };
    void flushLayers(layers, this.#regionBytes).then(() => {
      done(undefined);
    }, failed);
  }
}

function holesIn({ owner, offset, length }: Piece): number {
  const end = offset + length;
  let holes = length;
  for (const data of offset < owner.data.sizeBytes ? owner.data.extents(offset) : []) {
    if (data.start >= end) break;
    holes -= Math.min(data.end, end) - Math.max(data.start, offset);
  }
  return holes;
}
