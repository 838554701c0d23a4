/** Checks of what this host keeps of a volume, for control: lockstep.agent.v1.CheckService. */
import type {
  CheckReplicaRequest,
  CheckServiceServer,
  ReplicaFinding,
} from '../../proto/gen/lockstep/agent/v1/check.ts';
import { REGION_BYTES } from '../replication/units.ts';
import type { Finding } from '../store/layers/check.ts';
import { unary } from '../sys/grpc-unary.ts';
import type { Log } from '../sys/log.ts';
import type { VolumeChecks } from '../volume/volume-checks.ts';

export function checkService(checks: VolumeChecks, log: Log): CheckServiceServer {
  return {
    checkReplica: unary(log, ({ volume, start }: CheckReplicaRequest) => {
      if (start) checks.start(volume);
      const { running, readBytes, findings, error } = checks.report(volume);
      return { running, readBytes: BigInt(readBytes), findings: findings.map(messageOf), error };
    }),
  };
}

function messageOf({ kind, what, layer, regions, advice }: Finding): ReplicaFinding {
  return {
    repaired: kind === 'repaired',
    what,
    layer,
    offset: BigInt((regions?.first ?? 0) * REGION_BYTES),
    length: BigInt((regions?.count ?? 0) * REGION_BYTES),
    advice,
  };
}
