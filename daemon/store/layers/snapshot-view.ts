/** A snapshot that somebody reads: it cannot be deleted meanwhile. */
import type { ByteRange } from '../../replication/units.ts';
import type { SnapshotRecord } from './catalogue.ts';
import type { Extent, RangeDone } from '../store.ts';
import type { Stack } from './stack.ts';

export class SnapshotView {
  readonly record: SnapshotRecord;
  readonly stack: Stack;
  /** Who reads it, in words. */
  readonly reader: () => string;
  readonly #closed: () => void;

  constructor(
    record: SnapshotRecord,
    stack: Stack,
    { reader, closed }: { readonly reader: () => string; readonly closed: () => void },
  ) {
    this.record = record;
    this.stack = stack;
    this.reader = reader;
    this.#closed = closed;
  }

  get sizeBytes(): number {
    return this.record.sizeBytes;
  }

  read({ offset, length }: ByteRange): Buffer {
    const data = Buffer.allocUnsafe(length);
    this.stack.read(data, offset);
    return data;
  }

  /** From memory alone; undefined: some of it has to be read from the disk. Throws as `read` does. */
  readCached(range: ByteRange): Buffer | undefined {
    return this.stack.rangeCached(range);
  }

  /** Calls back in a later turn. */
  readLater(range: ByteRange, done: RangeDone): void {
    this.stack.rangeLater(range, done);
  }

  extents(range: ByteRange): Iterable<Extent> {
    return this.stack.extents(range);
  }

  prefetch(range: ByteRange): void {
    this.stack.prefetch(range);
  }

  close(): void {
    // Its layers may be written in place from here on.
    this.stack.endReads(Object.assign(new Error('EIO: the snapshot is not read any more'), { code: 'EIO' }));
    this.#closed();
  }
}
