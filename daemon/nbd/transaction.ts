/** One request of a client while it is under way. */
import type { Slab } from '../sys/slabs.ts';
import type { BlockFailure, BlockRequest, BlockResult } from './block.ts';
import type { NbdRequest } from './codec.ts';
import { COMMAND, COMMAND_FLAG, ERROR } from './constants.ts';
import { reportRequest, requestsAreObserved } from './diagnostics.ts';
import type { Content, ContextStatus, Reply } from './replies.ts';

/** A request from its submission to its reply; it is handed to the encoder as the reply itself. */
export interface Transaction extends Reply {
  readonly kind: BlockRequest['kind'] | 'status';
  readonly length: number;
  /** A READ with DF, or one that is told by a simple reply: its holes are sent as zeroes. */
  readonly isWhole: boolean;
  /** What it counts in `inFlightBytes`. */
  readonly payloadBytes: number;
  /** 0 while nobody observes. */
  readonly startedAtMs: number;
  answered: boolean;
  /** Where the bytes are that it brought, or that it is answered with. */
  slab: Slab | undefined;
  error: number;
  message: string;
  data: Buffer | undefined;
  contents: readonly Content[] | undefined;
  status: readonly ContextStatus[] | undefined;
}

export function transactionOf(
  request: NbdRequest,
  kind: Transaction['kind'],
  payloadBytes: number,
): Transaction {
  const { cookieHigh, cookieLow, offset, wideOffset, length } = request;
  return {
    cookieHigh,
    cookieLow,
    offset,
    wideOffset,
    length,
    kind,
    isRead: request.command === COMMAND.READ,
    isWhole: (request.flags & COMMAND_FLAG.DF) !== 0,
    payloadBytes,
    startedAtMs: requestsAreObserved() ? performance.now() : 0,
    answered: false,
    slab: undefined,
    error: ERROR.NONE,
    message: '',
    data: undefined,
    contents: undefined,
    status: undefined,
  };
}

export function reportAnswer({ kind, length, startedAtMs }: Transaction, result: BlockResult): void {
  const durationMs = performance.now() - startedAtMs;
  const failure: { readonly failure?: BlockFailure } = result.ok ? {} : { failure: result.failure };
  reportRequest({ kind, length, durationMs, ...failure });
}

/** About what the answer to a BLOCK_STATUS takes up until it is sent. */
export function statusBytes(status: readonly ContextStatus[] | undefined): number {
  let numbers = 0;
  for (const { descriptors } of status ?? []) numbers += descriptors.length;
  return numbers * BigUint64Array.BYTES_PER_ELEMENT;
}
