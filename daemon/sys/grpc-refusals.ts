/**
 * What every refusal leaves the server with, also one that grpc-js made: an ErrorInfo, and in it what to do next where
 * whoever refused did not say so. For a violated field that is its `allowed`.
 */
import { Metadata, status as Code } from '@grpc/grpc-js';
import type { Any } from '../../proto/gen/google/protobuf/any.ts';
import { ErrorInfo } from '../../proto/gen/google/rpc/error_details.ts';
import type { Status } from '../../proto/gen/google/rpc/status.ts';
import { decodedStatus, DETAILS_TRAILER, DOMAIN, encodedStatus, TYPE } from './grpc-status.ts';

/** As grpc-js hands it to an interceptor. */
export interface SentStatus {
  readonly code: Code;
  readonly details: string;
  readonly metadata?: Metadata | null | undefined;
}

/** By what `subject` begins with. */
const LISTS: readonly (readonly [collection: RegExp, next: string])[] = [
  [/\/snapshots\//, 'ListSnapshots shows what there is: lockstep volume snapshot list NAME'],
  [/^databases\//, 'ListDatabases shows what there is: lockstep database list'],
  [/^volumes\//, 'ListVolumes shows what there is: lockstep status'],
  [/^hosts\//, 'ListHosts shows what there is: lockstep status'],
  [/^(operations|workflows)\//, 'ListOperations shows what there is: lockstep operation list'],
];

const NEXT: ReadonlyMap<Code, string> = new Map([
  [Code.CANCELLED, 'The caller ended the call. Look at what became of it before it is sent again.'],
  [Code.INVALID_ARGUMENT, 'Send what the message says is allowed.'],
  [Code.NOT_FOUND, 'GetClusterStatus shows what there is: lockstep status'],
  [Code.ALREADY_EXISTS, 'Choose another name, or see what has it: lockstep database list'],
  [
    Code.ABORTED,
    'It changed meanwhile, or an operation holds it: wait for that (lockstep operation list), read it again, and send the request again.',
  ],
  [
    Code.FAILED_PRECONDITION,
    'GetClusterStatus shows what is not as it should be, and what to do: lockstep status',
  ],
  [Code.RESOURCE_EXHAUSTED, 'Give some of it back, or wait until others do, and send the request again.'],
  [Code.UNIMPLEMENTED, 'Server reflection lists the methods that this server has.'],
  [
    Code.UNAVAILABLE,
    'Send the request again in a moment, with the same request_id where it has one; lockstep status shows which hosts are silent.',
  ],
  [
    Code.DEADLINE_EXCEEDED,
    'Send the request again with a later deadline, and the same request_id where it has one: it is done once.',
  ],
  [
    Code.INTERNAL,
    "The log of the control daemon has the rest; the database's story: lockstep database events NAME",
  ],
]);
const NEXT_OF_ANY = 'The log of the control daemon has the rest.';

export function completed(status: SentStatus): SentStatus {
  const { code, details, metadata } = status;
  if (code === Code.OK) return status;
  const trailer = metadata?.get(DETAILS_TRAILER)[0];
  const decoded = Buffer.isBuffer(trailer) ? decodedStatus(trailer) : undefined;
  const full = completedStatus(decoded ?? { code, message: details, details: [] });
  if (full === decoded) return status;
  const merged = metadata?.clone() ?? new Metadata();
  merged.set(DETAILS_TRAILER, encodedStatus(full));
  return { code, details, metadata: merged };
}

/** The same object if nothing is missing. */
function completedStatus(status: Status): Status {
  const isOf = (typeUrl: string) => (detail: Any) => detail.typeUrl === typeUrl;
  const given = status.details.find(isOf(TYPE.errorInfo));
  const saysAllowed = status.details.some(isOf(TYPE.badRequest));
  const info =
    given === undefined
      ? { reason: Code[status.code] ?? 'UNKNOWN', domain: DOMAIN, metadata: {} }
      : ErrorInfo.decode(given.value);
  if (given !== undefined && (saysAllowed || info.metadata['next'] !== undefined)) return status;
  const next = saysAllowed ? {} : { next: nextOf(status.code, info.metadata['subject'] ?? '') };
  const whole = ErrorInfo.encode({ ...info, metadata: { ...info.metadata, ...next } }).finish();
  const others = status.details.filter((detail) => detail !== given);
  return { ...status, details: [{ typeUrl: TYPE.errorInfo, value: Buffer.from(whole) }, ...others] };
}

function nextOf(code: Code, subject: string): string {
  const list = LISTS.find(([collection]) => collection.test(subject))?.[1];
  return (code === Code.NOT_FOUND ? list : undefined) ?? NEXT.get(code) ?? NEXT_OF_ANY;
}
