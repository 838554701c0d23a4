/** A plain file behind an export, for tests that let real clients check the NBD server alone. */
import { closeSync, fdatasync, ftruncateSync, openSync, read, write } from 'node:fs';
import type { BlockBackend, BlockRequest, BlockResult, ByteRange, Extent } from '../../daemon/nbd/block.ts';
import { failureOf } from '../../daemon/nbd/errno.ts';

type Done = (result: BlockResult) => void;

const ZEROES = Buffer.alloc(1024 * 1024);
const DONE: BlockResult = { ok: true };

export class FileBackend implements BlockBackend {
  readonly sizeBytes: number;
  readonly zeroesFast = false;
  readonly #fd: number;

  constructor(options: { readonly path: string; readonly sizeBytes: number }) {
    this.sizeBytes = options.sizeBytes;
    this.#fd = openSync(options.path, 'w+');
    ftruncateSync(this.#fd, options.sizeBytes);
  }

  extents(range: ByteRange): Iterable<Extent> {
    return [{ ...range, kind: 'data' }];
  }

  differences(): undefined {
    return undefined;
  }

  prefetch(): void {
    // The page cache does what it does.
  }

  close(): void {
    closeSync(this.#fd);
  }

  submit(request: BlockRequest, done: Done): void {
    switch (request.kind) {
      case 'read':
        this.#read(Buffer.allocUnsafeSlow(request.length), 0, request.offset, done);
        return;
      case 'write':
        this.#write(request.data, request.offset, this.#finisher(request.fua, done));
        return;
      case 'trim':
      case 'zero':
        this.#zero(request.offset, request.length, this.#finisher(request.fua, done));
        return;
      case 'flush':
        this.#finisher(true, done)(DONE);
    }
  }

  #read(data: Buffer, at: number, offset: number, done: Done): void {
    read(this.#fd, data, at, data.length - at, offset + at, (error, count) => {
      if (error !== null) done({ ok: false, failure: failureOf(error) });
      else if (count === 0) done({ ok: false, failure: 'EIO' });
      else if (at + count < data.length) this.#read(data, at + count, offset, done);
      else done({ ok: true, data });
    });
  }

  #write(data: Buffer, offset: number, done: Done): void {
    write(this.#fd, data, 0, data.length, offset, (error, count) => {
      if (error !== null) done({ ok: false, failure: failureOf(error) });
      else if (count < data.length) this.#write(data.subarray(count), offset + count, done);
      else done(DONE);
    });
  }

  #zero(offset: number, length: number, done: Done): void {
    const count = Math.min(length, ZEROES.length);
    this.#write(ZEROES.subarray(0, count), offset, (result) => {
      if (result.ok && count < length) this.#zero(offset + count, length - count, done);
      else done(result);
    });
  }

  #finisher(durable: boolean, done: Done): Done {
    if (!durable) return done;
    return (result) => {
      if (!result.ok) done(result);
      else
        fdatasync(this.#fd, (error) => {
          done(error === null ? DONE : { ok: false, failure: failureOf(error) });
        });
    };
  }
}
