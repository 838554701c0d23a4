/** What the store refuses, in words. */
import { LockstepError } from '../../sys/errors.ts';

export function notFound(what: string, name: string): LockstepError {
  return new LockstepError('NOT_FOUND', `there is no ${what} ${name}`, { metadata: { name } });
}

export function alreadyThere(what: string, name: string): LockstepError {
  return new LockstepError('ALREADY_EXISTS', `${what} ${name} exists`, { metadata: { name } });
}

export function inUse(snapshot: string, by: string): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', `snapshot ${snapshot} is being read by ${by}`, {
    reason: 'SNAPSHOT_IN_USE',
    metadata: { snapshot },
  });
}

export function unusable(name: string, why: string): LockstepError {
  return new LockstepError('INTERNAL', `${name} cannot be used: ${why}`, {
    reason: 'LAYER_UNUSABLE',
    metadata: { name },
  });
}

export function beingCopied(volume: string): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', `volume ${volume} is being copied to another host`, {
    reason: 'VOLUME_BEING_COPIED',
    metadata: { volume },
  });
}

export function mayBeLost(volume: string): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    `the disk failed to make stable what was written to volume ${volume}`,
    { reason: 'FLUSH_FAILED', metadata: { volume } },
  );
}

export function strayFile(volume: string, path: string): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    `${path} is of an older build, and volume ${volume} has layers already: one of them has to be moved away`,
    { reason: 'STRAY_VOLUME_FILE', metadata: { volume, path } },
  );
}
