/** What control can have this host do: lockstep.agent.v1.AgentService, thin over the volumes and the host's drivers. */
import type { HostDrivers } from '../host/host.ts';
import { LockstepError } from '../sys/errors.ts';
import { unary } from '../sys/grpc-unary.ts';
import type { Log } from '../sys/log.ts';
import { REGION_BYTES } from '../replication/units.ts';
import { isAlone, startLoneScrub } from '../volume/lone-scrub.ts';
import type { Volume } from '../volume/volume.ts';
import type { Volumes } from '../volume/volumes.ts';
import type {
  AgentServiceServer,
  EngineSpec as EngineSpecMessage,
  Fence,
  VolumeView,
} from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { checkFence } from './fence.ts';
import type { ReplicaReporter } from './report.ts';

export interface AgentParts {
  readonly volumes: Volumes;
  readonly drivers: HostDrivers;
  readonly reporter: ReplicaReporter;
  /** Keeps the addresses of a volume's replicas: where peers are dialled. */
  readonly learnAddresses: (view: VolumeView) => void;
  /** What a crash left on this host is cleared: before that nothing is begun that the clearing would take away. */
  readonly recovered: Promise<void>;
  /** The host gives everything back: what is brought up now would be left behind. */
  readonly isReleasing: () => boolean;
  readonly log: Log;
}

/** How long a planned move waits for what is in flight. */
const STEP_DOWN_MS = 5000;
const POLL_MS = 5;

export function agentService(parts: AgentParts): AgentServiceServer {
  return {
    ...replicaMethods(parts),
    ...copyMethods(parts),
    ...scrubMethods(parts),
    ...deviceMethods(parts),
    ...engineMethods(parts),
  };
}

function fenced(
  parts: AgentParts,
  request: { readonly fence: Fence | undefined; readonly volume: string },
): Volume {
  checkFence(parts.volumes, request.fence, request.volume);
  return parts.volumes.require(request.volume);
}

/** For what brings a volume or its engine up on this host. */
async function upFenced(
  parts: AgentParts,
  request: { readonly fence: Fence | undefined; readonly volume: string },
): Promise<Volume> {
  await parts.recovered;
  if (parts.isReleasing())
    throw new LockstepError('UNAVAILABLE', 'the host is being taken out of service', {
      reason: 'HOST_RELEASING',
    });
  return fenced(parts, request);
}

/** For what takes it down, which has to work where the replica is gone already. */
async function downFenced(parts: AgentParts, fence: Fence | undefined, volume: string): Promise<void> {
  await parts.recovered;
  checkFence(parts.volumes, fence, volume);
}

function replicaMethods(parts: AgentParts) {
  const { volumes, log, reporter, drivers } = parts;
  type ViewRequest = { fence: Fence | undefined; view: VolumeView | undefined };
  return {
    createReplica: unary(log, async ({ fence, view }: ViewRequest) => {
      const given = required(view, 'view');
      checkFence(parts.volumes, fence, given.volume);
      parts.learnAddresses(given);
      await volumes.create(given.volume, Number(given.sizeBytes));
      return {};
    }),
    growReplica: unary(
      log,
      async (request: { fence: Fence | undefined; volume: string; sizeBytes: bigint }) => {
        const { name } = fenced(parts, request);
        await volumes.grow(name, Number(request.sizeBytes));
        return {};
      },
    ),
    shrinkReplica: unary(
      log,
      async (request: { fence: Fence | undefined; volume: string; sizeBytes: bigint }) => {
        const { name } = fenced(parts, request);
        await volumes.shrink(name, Number(request.sizeBytes));
        return {};
      },
    ),
    deleteReplica: unary(log, async ({ fence, volume }: { fence: Fence | undefined; volume: string }) => {
      await downFenced(parts, fence, volume);
      await drivers.release(volume, { force: true });
      // Again, since the release takes its time: what was promoted meanwhile may be the only copy.
      await volumes.delete(volume, () => {
        checkFence(parts.volumes, fence, volume);
      });
      return {};
    }),
    getReplica: unary(log, ({ volume }: { volume: string }) => ({
      replica: reporter.replica(volumes.require(volume)),
    })),
    setView: unary(log, ({ view }: { view: VolumeView | undefined }) => {
      const given = required(view, 'view');
      parts.learnAddresses(given);
      const volume = volumes.require(given.volume);
      volumes.tell(given.volume, viewOf(given), { explicit: true });
      return { replica: reporter.replica(volume) };
    }),
    forcePrimary: unary(log, (request: ViewRequest) => {
      const given = required(request.view, 'view');
      checkFence(parts.volumes, request.fence, given.volume);
      parts.learnAddresses(given);
      const volume = volumes.require(given.volume);
      const view = viewOf(given);
      // A primary that cannot go on without a member that is lost needs no more than a set without it.
      if (volume.serves || volume.state === 'STEPPED_DOWN')
        volumes.tell(given.volume, view, { explicit: true });
      else volumes.force(given.volume, view);
      if (!volume.serves && volume.state !== 'STEPPED_DOWN')
        throw new LockstepError('FAILED_PRECONDITION', `the replica ${volume.status.reason}`, {
          reason: 'FORCE_REFUSED',
        });
      return { replica: reporter.replica(volume) };
    }),
    stepDown: unary(log, async (request: { fence: Fence | undefined; volume: string }) => {
      const volume = fenced(parts, request);
      if (!volume.serves && volume.state !== 'STEPPED_DOWN') return {};
      volume.run({ type: 'step-down' });
      await until(
        () => volume.state === 'STEPPED_DOWN',
        STEP_DOWN_MS,
        `volume ${volume.name} does not come to rest`,
      );
      return {};
    }),
  };
}

function copyMethods(parts: AgentParts) {
  const { volumes, log } = parts;
  return {
    createSnapshot: unary(
      log,
      async (request: { fence: Fence | undefined; volume: string; snapshot: string }) => {
        const volume = fenced(parts, request);
        const { seed } = volume.file;
        const kept = seed?.id === request.snapshot ? seed : await volume.takeSeed(request.snapshot);
        return { allocatedBytes: BigInt(kept.allocated.length * REGION_BYTES) };
      },
    ),
    deleteSnapshot: unary(
      log,
      async (request: { fence: Fence | undefined; volume: string; snapshot: string }) => {
        checkFence(parts.volumes, request.fence, request.volume);
        const volume = volumes.get(request.volume);
        if (volume?.file.seed?.id === request.snapshot) await volume.dropSeed();
        return {};
      },
    ),
    seedReplica: unary(
      log,
      (request: { fence: Fence | undefined; volume: string; snapshot: string; target: string }) => {
        const volume = fenced(parts, request);
        if (isCopying(volume, request.target) || volume.view.inSync.includes(request.target)) return {};
        if (volume.state !== 'SOLO' && volume.state !== 'SERVING') throw notPrimary(volume);
        volume.run({ type: 'seed', target: request.target, snapshot: request.snapshot });
        return {};
      },
    ),
    connectReplica: unary(log, (request: { fence: Fence | undefined; volume: string; target: string }) => {
      const volume = fenced(parts, request);
      const join = volume.status.join;
      if (join?.target === request.target && join.phase === 'SEEDED')
        volume.run({ type: 'connect', target: request.target });
      return {};
    }),
  };
}

/** Not fenced: a replica that does not serve refuses, and one that does compares only with who is in its set. */
function scrubMethods({ volumes, reporter, log }: AgentParts) {
  return {
    startScrub: unary(log, async (request: { volume: string; anew: boolean }) => {
      const volume = volumes.require(request.volume);
      if (isAlone(volume)) {
        await startLoneScrub(volumes.store, volume.name);
        return { replica: reporter.replica(volume) };
      }
      volume.run({ type: 'scrub', anew: request.anew });
      const { scrub } = volume.status;
      if (scrub?.phase === 'FAILED')
        throw new LockstepError('FAILED_PRECONDITION', `it is not scrubbed: ${scrub.error}`, {
          reason: 'SCRUB_REFUSED',
        });
      return { replica: reporter.replica(volume) };
    }),
    stopScrub: unary(log, (request: { volume: string }) => {
      const volume = volumes.require(request.volume);
      if (isAlone(volume) && reporter.replica(volume).scrub?.phase === 'RUNNING')
        throw new LockstepError(
          'FAILED_PRECONDITION',
          'a single copy is looked at to the end: it gives way',
          {
            reason: 'SCRUB_REFUSED',
          },
        );
      volume.run({ type: 'stop-scrub' });
      return { replica: reporter.replica(volume) };
    }),
  };
}

function isCopying(volume: Volume, target: string): boolean {
  const join = volume.status.join;
  return join?.target === target && join.phase !== 'FAILED' && join.phase !== 'DONE';
}

function notPrimary(volume: Volume): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    `the replica is ${volume.state}; a copy starts from a primary that serves`,
    { reason: 'NOT_SERVING' },
  );
}

function deviceMethods(parts: AgentParts) {
  const { drivers, log } = parts;
  type Request = { fence: Fence | undefined; volume: string };
  return {
    attachVolume: unary(log, async (request: Request) => {
      const volume = await upFenced(parts, request);
      if (!volume.serves)
        throw new LockstepError('FAILED_PRECONDITION', `the replica is ${volume.state}: it serves nobody`, {
          reason: 'NOT_SERVING',
        });
      const startedMs = performance.now();
      const device = await drivers.attach(volume.name, volume.sizeBytes);
      return { device, durationMs: Math.round(performance.now() - startedMs) };
    }),
    detachVolume: unary(log, async ({ fence, volume }: Request) => {
      await downFenced(parts, fence, volume);
      await drivers.detach(volume, { force: false });
      return {};
    }),
    makeFileSystem: unary(log, async (request: Request) => {
      const volume = await upFenced(parts, request);
      await drivers.makeFileSystem(volume.name);
      return {};
    }),
    mountFileSystem: unary(log, async (request: Request) => {
      const volume = await upFenced(parts, request);
      return { mountPoint: await drivers.mount(volume.name) };
    }),
    unmountFileSystem: unary(log, async ({ fence, volume }: Request) => {
      await downFenced(parts, fence, volume);
      await drivers.unmount(volume, { force: false });
      return {};
    }),
  };
}

function engineMethods(parts: AgentParts) {
  const { drivers, log } = parts;
  type Request = { fence: Fence | undefined; spec: EngineSpecMessage | undefined };
  return {
    installEngine: unary(log, async (request: { engine: string; version: string }) => {
      const { version, installedPackages } = await drivers.installEngine(request.engine, request.version);
      return { version, installedPackages: [...installedPackages] };
    }),
    initializeEngine: unary(log, async (request: Request & { password: string }) => {
      const spec = required(request.spec, 'spec');
      await upFenced(parts, { fence: request.fence, volume: spec.volume });
      await drivers.initializeEngine(spec, request.password);
      return {};
    }),
    startEngine: unary(log, async (request: Request) => {
      const spec = required(request.spec, 'spec');
      await upFenced(parts, { fence: request.fence, volume: spec.volume });
      const { recoveryMs } = await drivers.startEngine(spec);
      return { recoveryMs: Math.round(recoveryMs) };
    }),
    stopEngine: unary(log, async (request: Request & { kill: boolean }) => {
      const spec = required(request.spec, 'spec');
      await downFenced(parts, request.fence, spec.volume);
      await drivers.stopEngine(spec, { kill: request.kill });
      return {};
    }),
    getEngine: unary(log, async ({ spec }: { spec: EngineSpecMessage | undefined }) => {
      const report = await drivers.reportEngine(required(spec, 'spec'));
      return { engine: { ...report, logTail: [...report.logTail] } };
    }),
  };
}

/** A view message as the replica's machine takes it. */
export function viewOf({ generation, primary, inSync }: VolumeView): {
  generation: number;
  primary: string;
  inSync: readonly string[];
} {
  return { generation: Number(generation), primary, inSync };
}

function required<Value>(value: Value | undefined, field: string): Value {
  if (value !== undefined) return value;
  throw new LockstepError('INVALID_ARGUMENT', `${field} is missing`, {
    violations: [{ field, value: 'missing', allowed: 'a message' }],
  });
}

async function until(condition: () => boolean, limitMs: number, otherwise: string): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new LockstepError('DEADLINE_EXCEEDED', otherwise);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
