/** A buffer behind an export. With `hold` nothing is answered until the test says so. */
import type { BlockBackend, BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';

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
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(sizeBytes: number, options: { readonly hold?: boolean } = {}) {
    this.sizeBytes = sizeBytes;
    this.bytes = Buffer.alloc(sizeBytes);
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
        return { ok: true };
      case 'trim':
      case 'zero':
        this.bytes.fill(0, request.offset, request.offset + request.length);
        return { ok: true };
      case 'flush':
        return { ok: true };
    }
  }
}
