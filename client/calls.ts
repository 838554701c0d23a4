/** What a caller decides about each call, and when a failed one is tried again. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '../daemon/sys/errors.ts';

export interface CallSettings {
  /** Aborted: the call is given up with an ABORTED error, between attempts as well as in one. */
  readonly signal?: AbortSignal;
  /** Milliseconds that each attempt may take; 10 seconds if absent, more where hosts have to work on it. */
  readonly deadlineMs?: number;
}

/** Of a call that changes something and carries a request_id. */
export interface RequestSettings extends CallSettings {
  /**
   * A UUID. The same one again answers the same operation, also from another process; absent, one is made for the
   * call and all its attempts.
   */
  readonly requestId?: string;
  /** Check everything and change nothing: the operation is done at once. */
  readonly validateOnly?: boolean;
}

/** Of a change of what is there. */
export interface ChangeSettings extends RequestSettings {
  /** The change is refused (ABORTED) if the resource is no longer what the caller saw. */
  readonly etag?: string;
}

export const DEFAULT_DEADLINE_MS = 10_000;
/** Of a call that hosts do something on their disks for. */
const DISK_MS = 70_000;
export const MAX_ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2000;

export function patient(settings: CallSettings): CallSettings {
  return { deadlineMs: DISK_MS, ...settings };
}

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

/** The fields of a request that carries a request_id. */
export function requestFields({ requestId, validateOnly = false }: RequestSettings): {
  readonly requestId: string;
  readonly validateOnly: boolean;
} {
  return { requestId: requestId ?? randomUUID(), validateOnly };
}

/** The fields of a request that changes what is there. */
export function changeFields(
  settings: ChangeSettings,
): ReturnType<typeof requestFields> & { readonly etag: string } {
  return { ...requestFields(settings), etag: settings.etag ?? '' };
}

/**
 * Opens a stream again after each transient break; it ends by the signal, or with an error that is not transient, or
 * that stayed for several attempts without a message in between.
 */
export async function* reopened<Message>(
  open: () => AsyncIterable<Message>,
  signal: AbortSignal | undefined,
  isBreak: (error: unknown) => boolean = isTransient,
): AsyncGenerator<Message, void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      for await (const message of open()) {
        attempt = 0;
        yield message;
      }
    } catch (error) {
      if (signal?.aborted === true) return;
      if (!isBreak(error) || attempt >= MAX_ATTEMPTS) throw error;
    }
    try {
      await pause(backoffMs(Math.max(attempt, 1), Math.random()), signal);
    } catch {
      return;
    }
  }
}
