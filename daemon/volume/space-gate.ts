/**
 * Where clients' writes that need room stop when there is none: before the replica's machine, which would take a write
 * that waits for a disk that hangs, and one that fails for a disk that failed.
 *
 * A change that overlaps one that waits here waits behind it, whatever it is: of two, the later is the one that stays.
 * Reads and flushes pass: they are about what was answered.
 */
import type { BlockRequest, BlockResult, ByteRange } from '../nbd/block.ts';
import type { Space } from '../store/space.ts';

type Done = (result: BlockResult) => void;
type Change = Extract<BlockRequest, { kind: 'write' | 'trim' | 'zero' }>;

interface Held {
  readonly change: Change;
  readonly range: ByteRange;
  readonly done: Done;
}

export interface SpaceGateOptions {
  readonly space: Space;
  /** What a write there takes at most. */
  readonly bytesNeeded: (range: ByteRange) => number;
  readonly submit: (request: BlockRequest, done: Done) => void;
}

export class SpaceGate {
  readonly #options: SpaceGateOptions;
  #held: Held[] = [];

  constructor(options: SpaceGateOptions) {
    this.#options = options;
  }

  submit(request: BlockRequest, done: Done): void {
    const isFree = this.#held.length === 0 && this.#options.space.isFar;
    if (isFree || request.kind === 'read' || request.kind === 'flush') {
      this.#options.submit(request, done);
      return;
    }
    const held = { change: request, range: rangeOf(request), done };
    if (this.#held.some(({ range }) => overlap(range, held.range))) this.#hold(held);
    else if (!this.#letIn(held)) this.#refuse(held);
  }

  /** There may be room now. */
  retry(): void {
    if (this.#held.length === 0) return;
    const waiting = this.#take();
    for (const held of waiting)
      if (this.#held.some(({ range }) => overlap(range, held.range)) || !this.#letIn(held)) this.#hold(held);
  }

  /** Whatever room there is: the machine answers that nobody is served any more. */
  releaseAll(): void {
    for (const { change, done } of this.#take()) this.#options.submit(change, done);
  }

  /** Nobody is answered. */
  close(): void {
    this.#take();
  }

  #take(): readonly Held[] {
    const taken = this.#held;
    this.#held = [];
    this.#options.space.held(-taken.length);
    return taken;
  }

  #refuse(held: Held): void {
    if (this.#options.space.limits.whenFull === 'hold') this.#hold(held);
    else held.done({ ok: false, failure: 'ENOSPC' });
  }

  #hold(held: Held): void {
    this.#held.push(held);
    this.#options.space.held(1);
  }

  #letIn({ change, range, done }: Held): boolean {
    const { space, bytesNeeded, submit } = this.#options;
    // Zeroes give room back, but for a part of a region that a snapshot shares: the reserve has that.
    if (change.kind === 'trim' || (change.kind === 'zero' && change.mayTrim)) {
      submit(change, done);
      return true;
    }
    const { length } = range;
    const needed = space.hasRoom(length, 'client') ? length : bytesNeeded(range);
    if (needed > 0 && !space.hasRoom(needed, 'client')) return false;
    space.promise(needed);
    submit(change, (result) => {
      space.kept(needed);
      done(result);
    });
    return true;
  }
}

function rangeOf(change: Change): ByteRange {
  const { offset } = change;
  return { offset, length: change.kind === 'write' ? change.data.length : change.length };
}

function overlap(a: ByteRange, b: ByteRange): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}
