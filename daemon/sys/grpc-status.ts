/**
 * LockstepError to gRPC status and back: one table, used by every server and every client of ours.
 *
 * The status travels three ways at once (google.aip.dev/193): the code, one sentence for people, and in the trailer
 * `grpc-status-details-bin` a google.rpc.Status with typed details, which is what programs should look at.
 */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { Any } from '../../proto/gen/google/protobuf/any.ts';
import { BadRequest, ErrorInfo, PreconditionFailure } from '../../proto/gen/google/rpc/error_details.ts';
import { Status } from '../../proto/gen/google/rpc/status.ts';
import { type ErrorCode, type FieldViolation, LockstepError, messageOf } from './errors.ts';

const GRPC_CODE: Readonly<Record<ErrorCode, status>> = {
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  NOT_FOUND: status.NOT_FOUND,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
  ABORTED: status.ABORTED,
  FAILED_PRECONDITION: status.FAILED_PRECONDITION,
  RESOURCE_EXHAUSTED: status.RESOURCE_EXHAUSTED,
  UNAVAILABLE: status.UNAVAILABLE,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  INTERNAL: status.INTERNAL,
};

const ERROR_CODE = new Map<number, ErrorCode>(
  (Object.keys(GRPC_CODE) as ErrorCode[]).map((code) => [GRPC_CODE[code], code]),
);

const DOMAIN = 'lockstep';
const DETAILS_TRAILER = 'grpc-status-details-bin';
/** Lower than the 8 KiB that grpc-js and proxies allow a header block by default: an engine's log tail can be long. */
const MAX_DETAILS_BYTES = 6 * 1024;
const MAX_MESSAGE_CHARACTERS = 1500;

const TYPE = {
  errorInfo: 'type.googleapis.com/google.rpc.ErrorInfo',
  badRequest: 'type.googleapis.com/google.rpc.BadRequest',
  preconditionFailure: 'type.googleapis.com/google.rpc.PreconditionFailure',
} as const;

/** What grpc-js takes as the error of a call. */
export interface StatusReply {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The status to answer with. The caller logs what is not a LockstepError: a client is not told of our insides. */
export function statusReply(error: unknown): StatusReply {
  const known = error instanceof LockstepError ? error : internalError(error);
  const metadata = new Metadata();
  const rpcStatus = rpcStatusOf(known);
  const bytes = Buffer.from(Status.encode({ ...rpcStatus, message: shortened(known.message) }).finish());
  if (bytes.length <= MAX_DETAILS_BYTES) metadata.set(DETAILS_TRAILER, bytes);
  return { code: GRPC_CODE[known.code], details: shortened(known.message), metadata };
}

export function internalError(cause: unknown): LockstepError {
  return new LockstepError('INTERNAL', 'an error that should not happen; the log of the server has it', {
    cause,
  });
}

/** The same as a message, for the error of an operation. */
export function rpcStatusOf(error: LockstepError): Status {
  const details: Any[] = [
    any(
      TYPE.errorInfo,
      ErrorInfo.encode({ reason: error.reason, domain: DOMAIN, metadata: { ...error.metadata } }),
    ),
  ];
  const { message } = error;
  if (error.violations.length > 0)
    details.push(
      any(TYPE.badRequest, BadRequest.encode({ fieldViolations: error.violations.map(describedViolation) })),
    );
  if (error.code === 'FAILED_PRECONDITION') {
    const violation = {
      type: error.reason,
      subject: error.metadata['subject'] ?? '',
      description: shortened(message),
    };
    details.push(any(TYPE.preconditionFailure, PreconditionFailure.encode({ violations: [violation] })));
  }
  return { code: GRPC_CODE[error.code], message, details };
}

/** What a call of ours failed with. */
export function errorOfService(error: ServiceError): LockstepError {
  const code = ERROR_CODE.get(error.code) ?? codeOfForeign(error.code);
  const trailer = error.metadata.get(DETAILS_TRAILER)[0];
  const decoded = Buffer.isBuffer(trailer) ? decodedStatus(trailer) : undefined;
  if (decoded !== undefined) return errorOfStatus(decoded, error);
  return new LockstepError(code, error.details === '' ? error.message : error.details, { cause: error });
}

export function errorOfStatus(rpcStatus: Status, cause?: unknown): LockstepError {
  const code = ERROR_CODE.get(rpcStatus.code) ?? codeOfForeign(rpcStatus.code);
  const info = detail(rpcStatus, TYPE.errorInfo, ErrorInfo);
  const badRequest = detail(rpcStatus, TYPE.badRequest, BadRequest);
  return new LockstepError(code, rpcStatus.message, {
    ...(info === undefined ? {} : { reason: info.reason, metadata: info.metadata }),
    violations: badRequest?.fieldViolations.map(parsedViolation) ?? [],
    cause,
  });
}

/** Codes that we never send: from grpc-js itself, or from a proxy between. */
function codeOfForeign(code: number): ErrorCode {
  if (code === Number(status.CANCELLED)) return 'ABORTED';
  if (code === Number(status.OUT_OF_RANGE)) return 'INVALID_ARGUMENT';
  if (code === Number(status.UNIMPLEMENTED)) return 'FAILED_PRECONDITION';
  return 'INTERNAL';
}

function describedViolation(violation: FieldViolation): {
  field: string;
  description: string;
  reason: string;
} & {
  localizedMessage: undefined;
} {
  const description = `is ${JSON.stringify(violation.value)}; allowed: ${violation.allowed}`;
  return { field: violation.field, description, reason: 'INVALID_FIELD', localizedMessage: undefined };
}

function parsedViolation(violation: {
  readonly field: string;
  readonly description: string;
}): FieldViolation {
  const parts = /^is ("(?:[^"\\]|\\.)*"); allowed: (.*)$/s.exec(violation.description);
  if (parts === null) return { field: violation.field, value: '', allowed: violation.description };
  return { field: violation.field, value: JSON.parse(parts[1] ?? '""') as string, allowed: parts[2] ?? '' };
}

/**
 * A header must not carry much text; the middle of a log tail is its least useful part. What a client sent comes back
 * in it, and half a surrogate pair, sent so or cut so here, would make grpc-js throw where nobody catches.
 */
function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE_CHARACTERS) return message.toWellFormed();
  const half = Math.floor(MAX_MESSAGE_CHARACTERS / 2);
  return `${message.slice(0, half).toWellFormed()} ... ${message.slice(-half).toWellFormed()}`;
}

function any(typeUrl: string, encoded: { finish(): Uint8Array }): Any {
  return { typeUrl, value: Buffer.from(encoded.finish()) };
}

function detail<Message>(
  rpcStatus: Status,
  typeUrl: string,
  codec: { decode(bytes: Uint8Array): Message },
): Message | undefined {
  const found = rpcStatus.details.find((candidate) => candidate.typeUrl === typeUrl);
  if (found === undefined) return undefined;
  try {
    return codec.decode(found.value);
  } catch {
    return undefined;
  }
}

function decodedStatus(bytes: Uint8Array): Status | undefined {
  try {
    return Status.decode(bytes);
  } catch (error) {
    // A trailer that does not parse is another software's; code and text are there all the same.
    void messageOf(error);
    return undefined;
  }
}
