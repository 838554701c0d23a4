/** The chunks of one structured or extended reply, each as it comes in, and all of them once the last is here. */
import { CHUNK, CHUNK_DONE, CMD, FLAG } from './protocol.ts';
import type { SentRequest, Terms } from './requests.ts';
import { isHole, isPattern, PAGE_BYTES } from './world.ts';

export interface Chunk {
  readonly flags: number;
  readonly type: number;
  readonly payload: Buffer;
}

export interface OpenReply {
  readonly request: SentRequest;
  readonly chunks: Chunk[];
}

/** Size of an error's fixed part: error u32 and the length of its text u16. */
const ERROR_BYTES = 6;
const HOLE_BYTES = 12;
const OFFSET_BYTES = 8;

export function addChunk(
  open: OpenReply,
  chunk: Chunk,
  isExtended: boolean,
): { readonly fault: string | undefined; readonly isLast: boolean } {
  const isLast = (chunk.flags & CHUNK_DONE) !== 0;
  if ((chunk.flags & ~CHUNK_DONE) !== 0) return { fault: `a chunk has flags ${chunk.flags}`, isLast };
  open.chunks.push(chunk);
  return { fault: chunkFault(open.request, chunk, isExtended), isLast };
}

function chunkFault(
  { command }: SentRequest,
  { flags, type, payload }: Chunk,
  isExtended: boolean,
): string | undefined {
  const isStatus = command === CMD.BLOCK_STATUS;
  if ((type & CHUNK.ERROR_BIT) !== 0) {
    if (payload.length < ERROR_BYTES) return 'an error chunk is too short';
    if (payload.readUInt32BE(0) === 0) return 'an error chunk has no error';
    return payload.readUInt16BE(4) > payload.length - ERROR_BYTES
      ? 'the text of an error is cut off'
      : undefined;
  }
  switch (type) {
    case CHUNK.NONE:
      return payload.length > 0 || flags !== CHUNK_DONE
        ? 'an empty chunk is not empty, or not the last'
        : undefined;
    case CHUNK.OFFSET_DATA:
      return command === CMD.READ && payload.length > OFFSET_BYTES
        ? undefined
        : 'data for what is no READ, or none';
    case CHUNK.OFFSET_HOLE:
      return command === CMD.READ && payload.length === HOLE_BYTES
        ? undefined
        : 'a hole of another length than 12';
    case CHUNK.BLOCK_STATUS:
      return isStatus && !isExtended && payload.length >= 12 && payload.length % 8 === 4
        ? undefined
        : 'a block status that nobody asked for, or of a wrong length';
    case CHUNK.BLOCK_STATUS_EXT:
      return isStatus &&
        isExtended &&
        payload.length === 8 + 16 * payload.readUInt32BE(4) &&
        payload.length > 8
        ? undefined
        : 'an extended block status that nobody asked for, or of a wrong length';
    default:
      return `a chunk has type ${type}`;
  }
}

/** Of a reply whose last chunk is here: its error, 0 for none, and what is wrong with it as a whole. */
export function replyFault(
  { request, chunks }: OpenReply,
  terms: Terms,
): { readonly error: number; readonly fault: string | undefined } {
  const failed = chunks.find(({ type }) => (type & CHUNK.ERROR_BIT) !== 0);
  if (failed !== undefined) return { error: failed.payload.readUInt32BE(0), fault: undefined };
  if (request.command === CMD.READ) return { error: 0, fault: readFault(request, chunks) };
  if (request.command === CMD.BLOCK_STATUS) return { error: 0, fault: statusFault(request, chunks, terms) };
  return { error: 0, fault: undefined };
}

/** The contents cover the range once, hold what is there, and are one piece where the client wants that. */
function readFault({ offset, length, flags }: SentRequest, chunks: readonly Chunk[]): string | undefined {
  const contents = chunks
    .filter(({ type }) => type !== CHUNK.NONE)
    .map(({ type, payload }) => {
      const data = type === CHUNK.OFFSET_DATA ? payload.subarray(OFFSET_BYTES) : undefined;
      const start = payload.readBigUInt64BE(0);
      return { start, data, length: BigInt(data?.length ?? payload.readUInt32BE(OFFSET_BYTES)) };
    })
    .sort((one, other) => (one.start < other.start ? -1 : 1));
  let end = offset;
  for (const content of contents) {
    if (content.start !== end) return `the contents of a READ have a gap or overlap at ${content.start}`;
    if (content.length === 0n) return 'a content of a READ has no bytes';
    end += content.length;
    if (content.data !== undefined && !isPattern(content.data, Number(content.start)))
      return 'a READ got other bytes';
    if (content.data === undefined && !isAllHole(Number(content.start), Number(content.length)))
      return 'a READ got a hole where there is data';
  }
  if (end !== offset + length) return `the contents of a READ end at ${end}, not ${offset + length}`;
  if ((flags & FLAG.DF) !== 0 && contents.length > 1) return 'a READ with DF came in pieces';
  if ((flags & FLAG.DF) !== 0 && contents[0]?.data === undefined && length > 0n)
    return 'a READ with DF got a hole';
  return undefined;
}

function isAllHole(start: number, length: number): boolean {
  for (let at = start; at < start + length; at = (Math.floor(at / PAGE_BYTES) + 1) * PAGE_BYTES)
    if (!isHole(at)) return false;
  return true;
}

/** One chunk for each context, with descriptors from the start of the range on, none of which is empty. */
function statusFault(
  { length, flags, offset }: SentRequest,
  chunks: readonly Chunk[],
  { contexts }: Terms,
): string | undefined {
  const statuses = chunks.filter(({ type }) => type !== CHUNK.NONE);
  const ids = statuses.map(({ payload }) => payload.readUInt32BE(0)).sort((one, other) => one - other);
  if (ids.join() !== [...contexts].sort((one, other) => one - other).join())
    return `a block status is of contexts ${ids.join()}, not ${contexts.join()}`;
  for (const { type, payload } of statuses) {
    const isExtended = type === CHUNK.BLOCK_STATUS_EXT;
    let sum = 0n;
    let count = 0;
    for (let at = isExtended ? 8 : 4; at < payload.length; at += isExtended ? 16 : 8) {
      const extent = isExtended ? payload.readBigUInt64BE(at) : BigInt(payload.readUInt32BE(at));
      const status = isExtended ? payload.readBigUInt64BE(at + 8) : BigInt(payload.readUInt32BE(at + 4));
      if (extent === 0n) return 'a descriptor is empty';
      // The one context that this server has without a peer or a snapshot.
      const isHoleThere = isHole(Number(offset + sum));
      if ((status === 3n) !== isHoleThere) return `a descriptor at ${offset + sum} says ${status}`;
      sum += extent;
      count++;
    }
    if (sum > length) return 'a block status goes beyond its range';
    if ((flags & FLAG.REQ_ONE) !== 0 && count !== 1) return `REQ_ONE got ${count} descriptors`;
  }
  return undefined;
}
