/** A snapshot that somebody reads: it cannot be deleted meanwhile. */
import type { ByteRange } from '../../replication/units.ts';
import type { SnapshotRecord } from './catalogue.ts';
import type { Extent } from '../store.ts';
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

  extents(range: ByteRange): Iterable<Extent> {
    return this.stack.extents(range);
  }

  prefetch(range: ByteRange): void {
    this.stack.prefetch(range);
  }

  close(): void {
    this.#closed();
  }
}
