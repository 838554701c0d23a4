/**
 * Runs one do or one undo: its attempts with their backoff, under one deadline for all of them.
 *
 * The step counts as failed at the deadline although it ignores its signal; it then gets a bounded time to settle, so
 * that its undo does not run beside it. After the deadline there is no further attempt for the same reason.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AssertionFailure, LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { SerializedError } from './workflow.ts';

/** How long a step that was told to stop is waited for. */
export const SETTLE_MS = 5000;
export const MAX_BACKOFF_MS = 30_000;
/** An error's text may carry the tail of an engine's log, but it is a record, not an archive. */
const MAX_ERROR_CHARACTERS = 8192;

export interface StepCall<Value> {
  /** For errors: "step attach-primary" or "undo of step attach-primary". */
  readonly name: string;
  readonly deadlineMs: number;
  readonly attempts: number;
  readonly backoffMs: number;
  /** Writes the start of an attempt to the log. What it throws is not the step's failure and is passed on. */
  announce(): Promise<void>;
  run(signal: AbortSignal): Promise<Value>;
  /** An attempt failed and another will follow. */
  retrying(error: unknown, backoffMs: number): void;
  /** The step ignores its signal: from here on it may overlap with what follows. */
  unsettled(): void;
}

export type StepResult<Value> =
  | { readonly kind: 'ok'; readonly value: Value }
  | { readonly kind: 'failed'; readonly error: SerializedError }
  /** The daemon stops: neither done nor failed. */
  | { readonly kind: 'stopped' };

export async function callStep<Value>(
  call: StepCall<Value>,
  stop: AbortSignal,
  settleMs = SETTLE_MS,
): Promise<StepResult<Value>> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(deadlineError(call, undefined));
  }, call.deadlineMs);
  try {
    return await attempts(call, { stop, deadline: deadline.signal, settleMs });
  } finally {
    clearTimeout(timer);
  }
}

interface Limits {
  readonly stop: AbortSignal;
  readonly deadline: AbortSignal;
  readonly settleMs: number;
}

async function attempts<Value>(call: StepCall<Value>, limits: Limits): Promise<StepResult<Value>> {
  const { stop, deadline } = limits;
  const signal = AbortSignal.any([stop, deadline]);
  for (let attempt = 1; ; attempt++) {
    await call.announce();
    const result = await oneAttempt(call, signal, limits.settleMs);
    if (result.kind === 'ok') return result;
    const error = result.kind === 'failed' && result.error !== deadline.reason ? result.error : undefined;
    const cutOff = interruption(call, limits, error);
    if (cutOff !== undefined) return cutOff;
    if (isPermanent(error) || attempt >= call.attempts) return failed(error);
    const backoffMs = Math.min(call.backoffMs * 2 ** (attempt - 1), MAX_BACKOFF_MS);
    call.retrying(error, backoffMs);
    await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
    const cutShort = interruption(call, limits, error);
    if (cutShort !== undefined) return cutShort;
  }
}

function interruption<Value>(
  call: StepCall<Value>,
  limits: Limits,
  last: unknown,
): StepResult<never> | undefined {
  // The daemon's end comes first: a step that the daemon cut off did not miss its deadline.
  if (limits.stop.aborted) return { kind: 'stopped' };
  return limits.deadline.aborted ? failed(deadlineError(call, last)) : undefined;
}

type AttemptResult<Value> =
  | { readonly kind: 'ok'; readonly value: Value }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'interrupted' };

async function oneAttempt<Value>(
  call: StepCall<Value>,
  signal: AbortSignal,
  settleMs: number,
): Promise<AttemptResult<Value>> {
  // Within an async function, so that a step that throws before its first await is a rejection like any other.
  const work = (async (): Promise<AttemptResult<Value>> => {
    try {
      return { kind: 'ok', value: await call.run(signal) };
    } catch (error) {
      return { kind: 'failed', error };
    }
  })();
  const interruption = Promise.withResolvers<AttemptResult<Value>>();
  const interrupt = (): void => interruption.resolve({ kind: 'interrupted' });
  if (signal.aborted) interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  const result = await Promise.race([work, interruption.promise]);
  signal.removeEventListener('abort', interrupt);
  if (result.kind === 'interrupted' && !(await settles(work, settleMs))) call.unsettled();
  return result;
}

async function settles(work: Promise<unknown>, settleMs: number): Promise<boolean> {
  const timer = new AbortController();
  const timeout = sleep(settleMs, false, { signal: timer.signal }).catch(() => false);
  const settled = await Promise.race([work.then(() => true), timeout]);
  timer.abort();
  return settled;
}

/** Errors that another attempt cannot mend. A broken assertion is one: the same code would run again. */
export function isPermanent(error: unknown): boolean {
  if (error instanceof AssertionFailure) return true;
  return (
    error instanceof LockstepError &&
    (error.code === 'INVALID_ARGUMENT' ||
      error.code === 'FAILED_PRECONDITION' ||
      error.code === 'ALREADY_EXISTS')
  );
}

export function serializeError(error: unknown): SerializedError {
  const message = messageOf(error).slice(0, MAX_ERROR_CHARACTERS);
  if (error instanceof LockstepError) {
    const next = error.metadata['next']?.slice(0, MAX_ERROR_CHARACTERS);
    const { code, reason } = error;
    return { code, reason, message, ...(next === undefined ? {} : { next }) };
  }
  return {
    code: 'INTERNAL',
    reason: error instanceof AssertionFailure ? 'ASSERTION' : 'UNEXPECTED',
    message,
  };
}

function failed(error: unknown): { readonly kind: 'failed'; readonly error: SerializedError } {
  return { kind: 'failed', error: serializeError(error) };
}

function deadlineError(call: StepCall<unknown>, last: unknown): LockstepError {
  const because = last === undefined ? '' : `; last error: ${messageOf(last)}`;
  return new LockstepError(
    'DEADLINE_EXCEEDED',
    `${call.name} was not done within ${call.deadlineMs} ms${because}`,
    {
      reason: 'STEP_DEADLINE',
      cause: last,
    },
  );
}
