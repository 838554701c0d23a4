/**
 * How the library calls: every attempt has a deadline, and a call is tried again only where trying again cannot do
 * harm, which is for the caller to say: reads, and changes that carry a request_id.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '../daemon/sys/errors.ts';

export interface CallSettings {
  readonly signal?: AbortSignal;
  /** Of each attempt. */
  readonly deadlineMs?: number;
}

export const DEFAULT_DEADLINE_MS = 10_000;
export const MAX_ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2000;

/** Half of it is chance, so that clients that lost the same server do not come back all at once. */
export function backoffMs(attempt: number, chance: number): number {
  const full = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS);
  return full / 2 + (full / 2) * chance;
}

/** Only UNAVAILABLE is tried again: any other answer came from the server, or may have had its effect. */
export function isTransient(error: unknown): error is LockstepError {
  return error instanceof LockstepError && error.code === 'UNAVAILABLE';
}

export async function retried<Result>(
  attemptOnce: () => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptOnce();
    } catch (error) {
      if (!isTransient(error) || attempt >= MAX_ATTEMPTS) throw error;
      await pause(backoffMs(attempt, Math.random()), signal);
    }
  }
}

/** Ends early, with the error that a cancelled call has, when the signal is aborted. */
export async function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(durationMs, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throw new LockstepError('ABORTED', 'given up by the caller', { cause });
  }
}
