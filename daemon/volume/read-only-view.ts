/**
 * An in-sync secondary as clients may read it, at `VOLUME@secondary`: what its disk holds at this moment. That is all
 * that was acknowledged, and perhaps a write that is not yet: the secondary has each before the primary may say so.
 */
import type { BlockBackend, BlockRequest, BlockResult, Difference, Extent } from '../nbd/block.ts';
import { failureOf } from '../nbd/errno.ts';
import type { ByteRange } from '../replication/units.ts';
import type { Store } from '../store/store.ts';

export class ReadOnlyView implements BlockBackend {
  readonly zeroesFast = false;
  readonly #store: Store;
  readonly #isInSync: () => boolean;

  constructor(store: Store, isInSync: () => boolean) {
    this.#store = store;
    this.#isInSync = isInSync;
  }

  get sizeBytes(): number {
    return this.#store.sizeBytes;
  }

  submit(request: BlockRequest, done: (result: BlockResult) => void): void {
    done(this.#answer(request));
  }

  extents(range: ByteRange): Iterable<Extent> {
    return this.#store.extents(range);
  }

  differences(): Iterable<Difference> | undefined {
    return undefined;
  }

  prefetch(range: ByteRange): void {
    this.#store.prefetch(range);
  }

  /** A flush has nothing to make durable: nothing was written here. */
  #answer(request: BlockRequest): BlockResult {
    if (!this.#isInSync()) return { ok: false, failure: 'ESHUTDOWN' };
    if (request.kind === 'flush') return { ok: true };
    if (request.kind !== 'read') return { ok: false, failure: 'EPERM' };
    try {
      return { ok: true, data: this.#store.read(request) };
    } catch (error) {
      return { ok: false, failure: failureOf(error) };
    }
  }
}
