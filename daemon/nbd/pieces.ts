/**
 * Long TRIMs and WRITE_ZEROES in pieces: one alone could keep the leases and heartbeats of the whole host waiting, and
 * each piece keeps the writes behind it waiting. What it takes is by the data that is given back, not by the range.
 */
import type { BlockBackend, BlockRequest, BlockResult, ByteRange } from './block.ts';
import { PIECE_ALIGNMENT, PIECE_BYTES, PIECE_DATA_BYTES, PIECE_EXTENTS } from './limits.ts';

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
    const length = pieceOf(backend, { offset, length: end - offset });
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
  return (request.kind === 'trim' || request.kind === 'zero') && request.length > PIECE_DATA_BYTES;
}

/** How much of the range, from its start on, is one piece. */
function pieceOf(backend: BlockBackend, range: ByteRange): number {
  const most = Math.min(PIECE_BYTES, range.length);
  const end = Math.floor(dataEnd(backend, { offset: range.offset, length: most }) / PIECE_ALIGNMENT);
  const next = Math.floor(range.offset / PIECE_ALIGNMENT) + 1;
  return Math.min(most, Math.max(end, next) * PIECE_ALIGNMENT - range.offset);
}

/** Where there is as much data before it as one piece may have; behind the range where there is less. */
function dataEnd(backend: BlockBackend, range: ByteRange): number {
  let dataBytes = 0;
  let dataExtents = 0;
  let lastEnd = -1;
  try {
    for (const { offset, length, kind } of backend.extents(range)) {
      if (kind === 'hole') continue;
      if (offset !== lastEnd && ++dataExtents > PIECE_EXTENTS) return offset;
      lastEnd = offset + length;
      dataBytes += length;
      if (dataBytes > PIECE_DATA_BYTES) return offset + length - (dataBytes - PIECE_DATA_BYTES);
    }
    return range.offset + range.length + PIECE_ALIGNMENT;
  } catch {
    // What cannot be looked at the backend will not zero, either.
    return range.offset;
  }
}
