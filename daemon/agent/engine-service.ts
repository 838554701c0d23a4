/** What control has this host's engines do beside starting and stopping: lockstep.agent.v1.EngineAgentService. */
import type { Fence } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import type {
  ConfigureEngineRequest,
  EngineAgentServiceServer,
  CheckFileSystemGrowthRequest,
  GrowFileSystemRequest,
  SetEnginePasswordRequest,
} from '../../proto/gen/lockstep/agent/v1/engine.ts';
import type { HostDrivers } from '../host/host.ts';
import { LockstepError } from '../sys/errors.ts';
import { unary } from '../sys/grpc-unary.ts';
import type { Log } from '../sys/log.ts';
import type { Volumes } from '../volume/volumes.ts';
import { checkFence } from './fence.ts';

export interface EngineParts {
  readonly volumes: Pick<Volumes, 'generationOf'> & {
    require(volume: string): { readonly sizeBytes: number };
  };
  readonly drivers: Pick<
    HostDrivers,
    'engineOffers' | 'configureEngine' | 'setEnginePassword' | 'checkFileSystemGrowth' | 'growFileSystem'
  >;
  /** As in AgentParts. */
  readonly recovered: Promise<void>;
  readonly isReleasing: () => boolean;
  readonly log: Log;
}

export function engineAgentService(parts: EngineParts): EngineAgentServiceServer {
  const { volumes, drivers, log } = parts;
  return {
    listEngines: unary(log, async () => ({ engines: [...(await drivers.engineOffers())] })),
    configureEngine: unary(log, async ({ fence, spec }: ConfigureEngineRequest) => {
      const given = required(spec);
      await checkUse(parts, fence, given.volume);
      return { pendingRestart: [...(await drivers.configureEngine(given)).pendingRestart] };
    }),
    setEnginePassword: unary(log, async ({ fence, spec, password }: SetEnginePasswordRequest) => {
      const given = required(spec);
      await checkUse(parts, fence, given.volume);
      await drivers.setEnginePassword(given, password);
      return {};
    }),
    checkFileSystemGrowth: unary(log, async ({ fence, volume }: CheckFileSystemGrowthRequest) => {
      await checkUse(parts, fence, volume);
      await drivers.checkFileSystemGrowth(volume);
      return {};
    }),
    growFileSystem: unary(log, async ({ fence, volume }: GrowFileSystemRequest) => {
      await checkUse(parts, fence, volume);
      const { sizeBytes } = volumes.require(volume);
      await drivers.growFileSystem(volume, sizeBytes);
      return { sizeBytes: BigInt(sizeBytes) };
    }),
  };
}

/** Nothing of a volume is changed where it is not this host's to serve, or on its way out. */
async function checkUse(
  { volumes, recovered, isReleasing }: EngineParts,
  fence: Fence | undefined,
  volume: string,
): Promise<void> {
  await recovered;
  if (isReleasing())
    throw new LockstepError('UNAVAILABLE', 'the host is being taken out of service', {
      reason: 'HOST_RELEASING',
    });
  checkFence(volumes, fence, volume);
}

function required<Value>(spec: Value | undefined): Value {
  if (spec !== undefined) return spec;
  throw new LockstepError('INVALID_ARGUMENT', 'spec is missing', {
    violations: [{ field: 'spec', value: 'missing', allowed: 'a message' }],
  });
}
