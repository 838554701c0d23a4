/** Long TRIMs and WRITE_ZEROES in pieces: one alone could keep the leases and heartbeats of the whole host waiting. */
import type { BlockBackend, BlockRequest, BlockResult } from './block.ts';
import { PIECE_BYTES } from './limits.ts';

type Zeroing = Extract<BlockRequest, { kind: 'trim' | 'zero' }>;

/**
 * One piece after the other, with room for others' work in between. `isWanted` false ends it unanswered: whoever asked
 * is gone, and may write to the same place on another connection. FUA is a flush behind a write, so the last piece's
 * makes all of them durable.
 */
export function submitInPieces(
  backend: BlockBackend,
  request: Zeroing,
  isWanted: () => boolean,
  done: (result: BlockResult) => void,
): void {
  const end = request.offset + request.length;
  const submit = (offset: number): void => {
    const length = Math.min(PIECE_BYTES, end - offset);
    const isLast = offset + length === end;
    backend.submit({ ...request, offset, length, fua: request.fua && isLast }, (result) => {
      if (isLast || !result.ok) done(result);
      else
        setImmediate(() => {
          if (isWanted()) submit(offset + length);
        });
    });
  };
  submit(request.offset);
}

export function isLong(request: BlockRequest): request is Zeroing {
  return (request.kind === 'trim' || request.kind === 'zero') && request.length > PIECE_BYTES;
}
