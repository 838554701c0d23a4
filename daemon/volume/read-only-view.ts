/**
 * What clients may read and not write: a snapshot, at `VOLUME@SNAPSHOT`, and an in-sync secondary, at
 * `VOLUME@secondary`, as its disk is at this moment. That is all that was acknowledged, and perhaps a write that is not
 * yet: the secondary has each before the primary may say so.
 */
import type {
  BlockBackend,
  BlockRequest,
  BlockResult,
  Difference,
  DifferenceSource,
  Extent,
} from '../nbd/block.ts';
import { failureOf } from '../nbd/errno.ts';
import type { ByteRange } from '../replication/units.ts';
import type { Store } from '../store/store.ts';

type ReadSource = Pick<Store, 'sizeBytes' | 'readCached' | 'readLater' | 'extents' | 'prefetch'>;

interface ReadOptions {
  /** False: what it showed is gone, or may be another. */
  readonly mayRead: () => boolean;
  /** Undefined: it can be compared with nothing. */
  readonly differences?: (source: DifferenceSource, range: ByteRange) => Iterable<Difference> | undefined;
}

export class ReadOnlyView implements BlockBackend {
  readonly zeroesFast = false;
  readonly #source: ReadSource;
  readonly #options: ReadOptions;

  constructor(source: ReadSource, options: ReadOptions) {
    this.#source = source;
    this.#options = options;
  }

  get sizeBytes(): number {
    return this.#source.sizeBytes;
  }

  submit(request: BlockRequest, done: (result: BlockResult) => void): void {
    const answer = this.#answer(request);
    if (answer !== undefined) done(answer);
    else if (request.kind === 'read')
      this.#source.readLater(request, (found) => {
        if (!this.#options.mayRead()) done({ ok: false, failure: 'ESHUTDOWN' });
        else if (Buffer.isBuffer(found)) done({ ok: true, data: found });
        else done({ ok: false, failure: failureOf(found) });
      });
  }

  extents(range: ByteRange): Iterable<Extent> {
    return this.#source.extents(range);
  }

  differences(source: DifferenceSource, range: ByteRange): Iterable<Difference> | undefined {
    return this.#options.differences?.(source, range);
  }

  prefetch(range: ByteRange): void {
    this.#source.prefetch(range);
  }

  /** A flush has nothing to make durable: nothing was written here. Undefined: a read that has to wait for the disk. */
  #answer(request: BlockRequest): BlockResult | undefined {
    if (!this.#options.mayRead()) return { ok: false, failure: 'ESHUTDOWN' };
    if (request.kind === 'flush') return { ok: true };
    if (request.kind !== 'read') return { ok: false, failure: 'EPERM' };
    try {
      const data = this.#source.readCached(request);
      return data === undefined ? undefined : { ok: true, data };
    } catch (error) {
      return { ok: false, failure: failureOf(error) };
    }
  }
}
