/**
 * LockstepError to gRPC status and back: one table, used by every server and every client of ours.
 *
 * The status travels three ways at once (google.aip.dev/193): the code, one sentence for people, and in the trailer
 * `grpc-status-details-bin` a google.rpc.Status with typed details, which is what programs should look at.
 */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { Any } from '../../proto/gen/google/protobuf/any.ts';
import {
  BadRequest,
  ErrorInfo,
  PreconditionFailure,
  ResourceInfo,
} from '../../proto/gen/google/rpc/error_details.ts';
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

export const DOMAIN = 'lockstep';
export const DETAILS_TRAILER = 'grpc-status-details-bin';
/**
 * A client refuses a call whose headers are longer than its limit, which is 8 KiB in gRPC's C core and thus in Python.
 * The message is in them twice, once percent-encoded; the details are counted in base64.
 */
const MAX_DETAILS_BYTES = 4 * 1024;
const MAX_MESSAGE_BYTES = 1500;
/**
 * Of each text in the details, and of how many violations and facts: they are made again with the next pair until they
 * fit. An engine's log tail is long, and a client's own wrong input may be long and many.
 */
const SHORTENINGS = [
  { textBytes: 1500, listed: 20 },
  { textBytes: 400, listed: 10 },
  { textBytes: 100, listed: 10 },
  { textBytes: 30, listed: 3 },
] as const;

export const TYPE = {
  errorInfo: 'type.googleapis.com/google.rpc.ErrorInfo',
  badRequest: 'type.googleapis.com/google.rpc.BadRequest',
  preconditionFailure: 'type.googleapis.com/google.rpc.PreconditionFailure',
  resourceInfo: 'type.googleapis.com/google.rpc.ResourceInfo',
} as const;

/** By the first part of a resource's name. */
const RESOURCE_TYPES: ReadonlyMap<string, string> = new Map([
  ['databases', 'lockstep.v1.Database'],
  ['volumes', 'lockstep.v1.Volume'],
  ['hosts', 'lockstep.v1.Host'],
  ['zones', 'lockstep.v1.Zone'],
  ['operations', 'google.longrunning.Operation'],
  ['workflows', 'lockstep.v1.Workflow'],
]);

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
  metadata.set(DETAILS_TRAILER, fitting(known));
  return { code: GRPC_CODE[known.code], details: shortened(known.message, MAX_MESSAGE_BYTES), metadata };
}

export function encodedStatus(rpcStatus: Status): Buffer {
  return Buffer.from(Status.encode(rpcStatus).finish());
}

/** The details in full, or with their texts shortened until a header can carry them. */
function fitting(error: LockstepError): Buffer {
  const { code, reason, violations, metadata, message } = error;
  let bytes: Buffer = Buffer.alloc(0);
  for (const { textBytes, listed } of SHORTENINGS) {
    const short = (text: string): string => shortened(text, textBytes);
    const smaller = new LockstepError(code, short(message), {
      reason,
      violations: violations.slice(0, listed).map(({ field, value, allowed }) => ({
        field: short(field),
        value: short(value),
        allowed: short(allowed),
      })),
      metadata: Object.fromEntries(
        Object.entries(metadata)
          .slice(0, listed)
          .map(([key, value]) => [key, short(value)]),
      ),
    });
    bytes = encodedStatus(rpcStatusOf(smaller));
    if (bytes.length <= MAX_DETAILS_BYTES) break;
  }
  return bytes;
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
  const subject = error.metadata['subject'] ?? '';
  if (error.code === 'FAILED_PRECONDITION') {
    const violation = { type: error.reason, subject, description: message.toWellFormed() };
    details.push(any(TYPE.preconditionFailure, PreconditionFailure.encode({ violations: [violation] })));
  }
  if ((error.code === 'NOT_FOUND' || error.code === 'ALREADY_EXISTS') && subject !== '') {
    const info = {
      resourceType: resourceTypeOf(subject),
      resourceName: subject,
      owner: '',
      description: message.toWellFormed(),
    };
    details.push(any(TYPE.resourceInfo, ResourceInfo.encode(info)));
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

function resourceTypeOf(name: string): string {
  if (name.includes('/snapshots/')) return 'lockstep.v1.Snapshot';
  return RESOURCE_TYPES.get(name.split('/')[0] ?? '') ?? '';
}

/**
 * A header must not carry much text; the middle of a log tail is its least useful part. The limit is one of bytes as a
 * header has them, percent-encoded. What a client sent comes back in it, and half a surrogate pair, sent so or cut so
 * here, would make grpc-js throw where nobody catches.
 */
function shortened(text: string, limitBytes: number): string {
  const well = text.slice(0, limitBytes + 1).toWellFormed();
  if (text.length <= limitBytes && encodeURI(well).length <= limitBytes) return well;
  let half = Math.floor(limitBytes / 2);
  const halves = (): readonly string[] => [
    text.slice(0, half).toWellFormed(),
    text.slice(-half).toWellFormed(),
  ];
  while (half > 1 && encodeURI(halves().join('')).length > limitBytes) half = Math.floor(half * 0.7);
  return halves().join(' ... ');
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

export function decodedStatus(bytes: Uint8Array): Status | undefined {
  try {
    return Status.decode(bytes);
  } catch (error) {
    // A trailer that does not parse is another software's; code and text are there all the same.
    void messageOf(error);
    return undefined;
  }
}
