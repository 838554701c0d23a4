/** One table from our failures to the error field of an NBD reply, and one from errors of the layers below to failures. */
import { type ErrorCode, LockstepError } from '../sys/errors.ts';
import type { BlockFailure } from './block.ts';
import { ERROR, type ErrorNumber } from './constants.ts';

const ERROR_OF_FAILURE: Readonly<Record<BlockFailure, ErrorNumber>> = {
  EIO: ERROR.EIO,
  ENOSPC: ERROR.ENOSPC,
  EPERM: ERROR.EPERM,
  EINVAL: ERROR.EINVAL,
  ESHUTDOWN: ERROR.ESHUTDOWN,
  ENOMEM: ERROR.ENOMEM,
};

/** For people, where the reply has room for it. */
const TEXT_OF_FAILURE: Readonly<Record<BlockFailure, string>> = {
  EIO: 'the disk failed',
  ENOSPC: 'there is no space left on the disk',
  EPERM: 'this is not permitted here',
  EINVAL: 'the backend cannot do this',
  ESHUTDOWN: 'this host does not serve the export any more',
  ENOMEM: 'there is not enough memory',
};

const FAILURE_OF_CODE: Readonly<Record<ErrorCode, BlockFailure>> = {
  INVALID_ARGUMENT: 'EINVAL',
  NOT_FOUND: 'EIO',
  ALREADY_EXISTS: 'EIO',
  ABORTED: 'EIO',
  FAILED_PRECONDITION: 'EPERM',
  RESOURCE_EXHAUSTED: 'ENOSPC',
  UNAVAILABLE: 'ESHUTDOWN',
  DEADLINE_EXCEEDED: 'EIO',
  INTERNAL: 'EIO',
};

/** What the system calls of the store report. The protocol has EDQUOT and EFBIG told as ENOSPC; the rest is EIO. */
const FAILURE_OF_ERRNO: Readonly<Partial<Record<string, BlockFailure>>> = {
  ENOSPC: 'ENOSPC',
  EDQUOT: 'ENOSPC',
  EFBIG: 'ENOSPC',
  EPERM: 'EPERM',
  EACCES: 'EPERM',
  EROFS: 'EPERM',
  ENOMEM: 'ENOMEM',
};

/** The error field of the reply. */
export function errorNumberOf(failure: BlockFailure): ErrorNumber {
  return ERROR_OF_FAILURE[failure];
}

export function textOf(failure: BlockFailure): string {
  return TEXT_OF_FAILURE[failure];
}

/** For backends: what a client is told of an error of the layers below. */
export function failureOf(error: unknown): BlockFailure {
  if (error instanceof LockstepError) return FAILURE_OF_CODE[error.code];
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  return FAILURE_OF_ERRNO[errno] ?? 'EIO';
}
