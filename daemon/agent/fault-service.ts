/** For tests on real processes: lockstep.agent.v1.FaultService, of a daemon with LOCKSTEP_TEST_FAULTS=1 alone. */
import type {
  DiskFault as DiskFaultMessage,
  FaultServiceServer,
  LosePowerRequest,
  SetFaultsRequest,
} from '../../proto/gen/lockstep/agent/v1/fault.ts';
import type { DiskFailure } from '../replication/interface.ts';
import type { DiskFault, DiskFaults, DiskOperation } from '../store/fault-layer.ts';
import { invalidField } from '../sys/errors.ts';
import { unary } from '../sys/grpc-unary.ts';
import type { Log } from '../sys/log.ts';

const OPERATIONS: ReadonlySet<string> = new Set<DiskOperation>(['read', 'write', 'flush']);
const FAILURES: ReadonlySet<string> = new Set<DiskFailure>(['EIO', 'ENOSPC']);

export function faultService(faults: DiskFaults, log: Log): FaultServiceServer {
  return {
    setFaults: unary(log, (request: SetFaultsRequest) => {
      const hits = faults.set(request.faults.map(faultOf));
      log.info({ faults: request.faults.map(describe) }, 'the disk suffers what a test asked for');
      return { hits: BigInt(hits) };
    }),
    losePower: unary(log, ({ seed }: LosePowerRequest) => {
      faults.losePower(seed);
      process.kill(process.pid, 'SIGKILL');
      return {};
    }),
  };
}

function faultOf(message: DiskFaultMessage): DiskFault {
  const { operation, error, perMille, delayMs, durationMs, dropsUnflushed } = message;
  if (!isOperation(operation)) throw invalidField('operation', operation, [...OPERATIONS].join(', '));
  const failure = error === '' ? undefined : error;
  if (failure !== undefined && !isFailure(failure))
    throw invalidField('error', error, [...FAILURES].join(', '));
  const [offset, length] = [Number(message.offset), Number(message.length)];
  const badSectors = length === 0 ? undefined : { offset, length };
  return { operation, failure, perMille, delayMs, durationMs, badSectors, dropsUnflushed };
}

const isOperation = (text: string): text is DiskOperation => OPERATIONS.has(text);
const isFailure = (text: string): text is DiskFailure => FAILURES.has(text);

function describe({
  operation,
  error,
  perMille,
  delayMs,
  durationMs,
  offset,
  length,
}: DiskFaultMessage): string {
  const what = `${operation} ${error} ${String(perMille)}/1000 ${String(delayMs)} ms late for ${String(durationMs)} ms`;
  return length === 0n ? what : `${what} at ${offset.toString()}+${length.toString()}`;
}
