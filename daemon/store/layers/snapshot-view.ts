/** A snapshot that somebody reads: it cannot be deleted meanwhile. */
import type { ByteRange } from '../../replication/units.ts';
import type { SnapshotRecord } from './catalogue.ts';
import type { Extent } from '../store.ts';
import type { Stack } from './stack.ts';

export class SnapshotView {
  readonly record: SnapshotRecord;
  readonly stack: Stack;
  readonly #closed: () => void;

  constructor(record: SnapshotRecord, stack: Stack, closed: () => void) {
    this.record = record;
    this.stack = stack;
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

  close(): void {
    this.#closed();
  }
}
