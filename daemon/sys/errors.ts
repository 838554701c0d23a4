/**
 * Typed errors for what the world does to us: bad input, missing packages, a peer's refusal, a full disk.
 * Our own bugs are assertions (`assert`, below), never one of these.
 */

/** Stable codes. `daemon/sys/grpc-status.ts` maps them to gRPC status, `daemon/nbd/errno.ts` to NBD errno. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'ABORTED'
  | 'FAILED_PRECONDITION'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'INTERNAL';

/** What was wrong with one field of the input. */
export interface FieldViolation {
  /** The key as its writer wrote it: `database_id`, `host.zone`. */
  readonly field: string;
  /** The value as given. */
  readonly value: string;
  /** What would have been accepted, in words. */
  readonly allowed: string;
}

export interface ErrorDetails {
  /** UPPER_SNAKE: the ErrorInfo reason, finer than the code. */
  readonly reason?: string;
  readonly violations?: readonly FieldViolation[];
  /** Further facts, such as the operation that holds a resource. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

export class LockstepError extends Error {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly violations: readonly FieldViolation[];
  readonly metadata: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'LockstepError';
    this.code = code;
    this.reason = details.reason ?? code;
    this.violations = details.violations ?? [];
    this.metadata = details.metadata ?? {};
  }
}

/** An INVALID_ARGUMENT about one field: the message names field, value and what is allowed. */
export function invalidField(field: string, value: string, allowed: string): LockstepError {
  return new LockstepError('INVALID_ARGUMENT', `${field} is ${JSON.stringify(value)}; allowed: ${allowed}`, {
    reason: 'INVALID_FIELD',
    violations: [{ field, value, allowed }],
  });
}

/** A port of the configuration that cannot be listened on; `field` is its key. */
export function cannotListen(
  field: string,
  { host, port }: { readonly host: string; readonly port: number },
  cause: Error,
): LockstepError {
  const violation = {
    field,
    value: `${host}:${String(port)}`,
    allowed: 'an address of this host and a port that nothing listens on',
  };
  const { message } = invalidField(field, violation.value, violation.allowed);
  // gRPC tells only in words what the cause was.
  const inUse = cause.message.includes('EADDRINUSE');
  return new LockstepError('FAILED_PRECONDITION', `${message} (${cause.message})`, {
    reason: inUse ? 'PORT_IN_USE' : 'CANNOT_LISTEN',
    violations: [violation],
    cause,
  });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Stops the process on a bug of ours: going on would be to guess with somebody's data. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** Closes a discriminated union: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${JSON.stringify(value)}`);
}
