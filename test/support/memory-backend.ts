/** A buffer behind an export. With `hold` nothing is answered until the test says so. */
import type {
  BlockBackend,
  BlockRequest,
  BlockResult,
  ByteRange,
  Difference,
  DifferenceSource,
  Extent,
} from '../../daemon/nbd/block.ts';

const PAGE_BYTES = 4096;

function pagesOf(offset: number, length: number): number[] {
  const first = Math.floor(offset / PAGE_BYTES);
  const count = Math.floor((offset + length - 1) / PAGE_BYTES) - first + 1;
  return Array.from({ length: count }, (_, index) => first + index);
}

export interface HeldRequest {
  readonly request: BlockRequest;
  /** Serves it, or answers the failure given. */
  release(result?: BlockResult): void;
}

export class MemoryBackend implements BlockBackend {
  readonly bytes: Buffer;
  readonly sizeBytes: number;
  /** Everything that was submitted, in order. */
  readonly submitted: BlockRequest[] = [];
  readonly held: HeldRequest[] = [];
  hold = false;
  zeroesFast = true;
  /** What was asked to be read ahead. */
  readonly prefetched: ByteRange[] = [];
  /** Whole pages that were never written, or zeroed. */
  readonly #holes = new Set<number>();
  /** Of each source: pages that differ. */
  readonly differingPages = new Map<string, ReadonlySet<number>>();
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(sizeBytes: number, options: { readonly hold?: boolean } = {}) {
    this.sizeBytes = sizeBytes;
    this.bytes = Buffer.alloc(sizeBytes);
    for (let page = 0; page * PAGE_BYTES < sizeBytes; page += 1) this.#holes.add(page);
    this.hold = options.hold ?? false;
  }

  submit(request: BlockRequest, done: (result: BlockResult) => void): void {
    this.submitted.push(request);
    if (this.hold)
      this.held.push({
        request,
        release: (result) => {
          done(result ?? this.#serve(request));
        },
      });
    else done(this.#serve(request));
    for (const waiting of this.#waiting) if (this.submitted.length >= waiting.count) waiting.resolve();
  }

  /** Page by page: neighbours are not joined, as a store need not either. */
  *extents({ offset, length }: ByteRange): Generator<Extent> {
    for (const page of pagesOf(offset, length))
      yield { offset: page * PAGE_BYTES, length: PAGE_BYTES, kind: this.#holes.has(page) ? 'hole' : 'data' };
  }

  *#differences(differing: ReadonlySet<number>, { offset, length }: ByteRange): Generator<Difference> {
    for (const page of pagesOf(offset, length))
      yield { offset: page * PAGE_BYTES, length: PAGE_BYTES, differs: differing.has(page) };
  }

  differences({ kind, name }: DifferenceSource, range: ByteRange): Iterable<Difference> | undefined {
    const differing = this.differingPages.get(`${kind}/${name}`);
    return differing === undefined ? undefined : this.#differences(differing, range);
  }

  prefetch(range: ByteRange): void {
    this.prefetched.push(range);
  }

  /** Resolves once so many requests were submitted in all. */
  async untilSubmitted(count: number): Promise<void> {
    if (this.submitted.length >= count) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ count, resolve });
    });
  }

  #serve(request: BlockRequest): BlockResult {
    switch (request.kind) {
      case 'read':
        return {
          ok: true,
          data: Buffer.from(this.bytes.subarray(request.offset, request.offset + request.length)),
        };
      case 'write':
        request.data.copy(this.bytes, request.offset);
        for (const page of pagesOf(request.offset, request.data.length)) this.#holes.delete(page);
        return { ok: true };
      case 'trim':
      case 'zero':
        this.bytes.fill(0, request.offset, request.offset + request.length);
        if (request.kind === 'trim' || request.mayTrim)
          for (const page of pagesOf(request.offset, request.length))
            if (
              page * PAGE_BYTES >= request.offset &&
              (page + 1) * PAGE_BYTES <= request.offset + request.length
            )
              this.#holes.add(page);
        return { ok: true };
      case 'flush':
        return { ok: true };
    }
  }
}
