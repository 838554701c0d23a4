/** BLOCK_STATUS: what each selected metadata context says of a range. */
import type { BlockBackend, BlockResult, ByteRange } from './block.ts';
import { allocationFlags, descriptorsOf, differenceFlags } from './extents.ts';
import { DIFFERENCE_SEARCH_BYTES } from './limits.ts';
import type { SelectedContext } from './negotiation.ts';
import type { ContextStatus } from './replies.ts';

export interface StatusQuery {
  readonly range: ByteRange;
  readonly contexts: readonly SelectedContext[];
  readonly onlyOne: boolean;
}

type Failed = Extract<BlockResult, { readonly ok: false }>;
export type StatusResult = { readonly ok: true; readonly status: readonly ContextStatus[] } | Failed;

/**
 * A client that is told of a hole takes it for zeroes and does not read it, so this has to hold as much as a read
 * does: it is looked up in the turn in which a byte of the range was read, by which the backend says that it still
 * serves.
 */
export function readStatus(
  backend: BlockBackend,
  { range, contexts, onlyOne }: StatusQuery,
  done: (result: StatusResult) => void,
): void {
  backend.submit({ kind: 'read', offset: range.offset, length: 1 }, (result) => {
    if (!result.ok) {
      done(result);
      return;
    }
    const status = contexts.map(({ contextId, context }) => {
      if (context.kind === 'allocation')
        return {
          contextId,
          descriptors: descriptorsOf(range, backend.extents(range), allocationFlags, { onlyOne }),
        };
      const part = { ...range, length: Math.min(range.length, DIFFERENCE_SEARCH_BYTES) };
      // What is compared with is gone: nothing is known to be equal to it.
      const differences = backend.differences(context, part) ?? [{ ...part, differs: true }];
      return { contextId, descriptors: descriptorsOf(part, differences, differenceFlags, { onlyOne }) };
    });
    done({ ok: true, status });
  });
}
