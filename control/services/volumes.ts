/** VolumeService: volumes by themselves, how the replicas of each stand, and a person's choice of an old copy. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import { KeyedMutex } from '../../daemon/sys/keyed-mutex.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { AgentServiceService as agent } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import type {
  CheckVolumeRequest,
  CreateVolumeRequest,
  DeleteVolumeRequest,
  ForcePrimaryRequest,
  GrowVolumeRequest,
  GetVolumeRequest,
  ListVolumesRequest,
  ScrubVolumeRequest,
  ShrinkVolumeRequest,
  Volume,
  VolumeServiceServer,
} from '../../proto/gen/lockstep/v1/volume_service.ts';
import type { Agents } from '../agents.ts';
import type { VolumeRecord } from '../model/records.ts';
import { forcedRecord, whyNotForce } from '../monitor/force.ts';
import { viewOf } from '../repository.ts';
import { checkNotBusy } from './busy.ts';
import { hostOf } from './fields.ts';
import { checkVolume } from './volume-check.ts';
import { growVolume, shrinkVolume } from './volume-resize.ts';
import { createVolume, deleteVolume, type LifecycleOptions } from './volume-lifecycle.ts';
import { listVolumes } from './volume-list.ts';
import { findVolume, type FoundVolume } from './volume-lookup.ts';
import { knowledgeOf, showVolume, type VolumeViewOptions } from './volume-views.ts';

export interface VolumesOptions extends VolumeViewOptions, LifecycleOptions {
  readonly agents: Agents;
  readonly log: Log;
}

/** The agent hands it to its replica and answers: what the replica then does is seen in its status. */
const FORCE_MS = 5000;
const SCRUB_MS = 5000;

export function volumeService(options: VolumesOptions): VolumeServiceServer & UntypedServiceImplementation {
  const resize = { ...options, resizing: new KeyedMutex() };
  return {
    createVolume: unary(options.log, (request: CreateVolumeRequest, { signal }) =>
      createVolume(options, request, signal),
    ),
    deleteVolume: unary(options.log, (request: DeleteVolumeRequest) => deleteVolume(options, request)),
    getVolume: unary(options.log, async (request: GetVolumeRequest) =>
      showVolume(options, await findVolume(options.repository, request.name)),
    ),
    listVolumes: unary(options.log, (request: ListVolumesRequest) => listVolumes(options, request)),
    checkVolume: unary(options.log, async ({ name, start }: CheckVolumeRequest) => {
      const { volume } = await findVolume(options.repository, name);
      return checkVolume(options.agents, volume.value, { start });
    }),
    growVolume: unary(options.log, async (request: GrowVolumeRequest, { signal }) =>
      showVolume(options, await growVolume(resize, request, signal)),
    ),
    shrinkVolume: unary(options.log, async (request: ShrinkVolumeRequest, { signal }) =>
      showVolume(options, await shrinkVolume(resize, request, signal)),
    ),
    forcePrimary: unary(options.log, (request: ForcePrimaryRequest) => force(options, request)),
    scrubVolume: unary(options.log, (request: ScrubVolumeRequest) => scrub(options, request)),
  };
}

async function force(options: VolumesOptions, request: ForcePrimaryRequest): Promise<Volume> {
  const host = hostOf('host', request.host);
  const found = await findVolume(options.repository, request.name);
  const { volume, database } = found;
  const subject = `volumes/${volume.value.volume}`;
  if (database !== undefined) await checkNotBusy(options.engine, database.value);
  const lifecycle = database?.value.lifecycle;
  const refusal =
    lifecycle === 'creating' || lifecycle === 'deleting'
      ? `the database is ${lifecycle}; delete it instead`
      : whyNotForce(knowledgeOf(options, volume.value), host);
  if (refusal !== undefined)
    throw new LockstepError('FAILED_PRECONDITION', `${host} is not made primary by force: ${refusal}`, {
      reason: 'FORCE_REFUSED',
      metadata: { subject },
    });
  if (request.validateOnly) return showVolume(options, found);
  if (!request.acceptDataLoss)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `acknowledged writes that ${host} lacks would be lost for good; the request does not accept that`,
      { reason: 'DATA_LOSS_NOT_ACCEPTED', metadata: { subject } },
    );
  const next = forcedRecord(knowledgeOf(options, volume.value), host);
  await write(options, found, next);
  options.log.warn({ volume: next.volume, host, generation: next.generation }, 'a person chose this replica');
  await tell(options, next, host);
  return showVolume(options, await findVolume(options.repository, request.name));
}

/** What is shown is what the primary answers, and not what it said in its last heartbeat. */
async function scrub(options: VolumesOptions, { name, stop, anew }: ScrubVolumeRequest): Promise<Volume> {
  const found = await findVolume(options.repository, name);
  const { volume, primary } = found.volume.value;
  if (primary === '')
    throw new LockstepError('FAILED_PRECONDITION', 'the volume has no primary that could compare', {
      reason: 'NOT_SERVING',
      metadata: { subject: `volumes/${volume}` },
    });
  const { agents, observations } = options;
  const deadline = { deadlineMs: SCRUB_MS };
  const { replica } = stop
    ? await agents.call(primary, agent.stopScrub, { volume }, deadline)
    : await agents.call(primary, agent.startScrub, { volume, anew }, deadline);
  if (replica !== undefined) observations.replicaTold(primary, replica);
  return showVolume(options, found);
}

/** No workflow begins meanwhile: each of them writes the database's record. */
async function write({ repository }: VolumesOptions, found: FoundVolume, next: VolumeRecord): Promise<void> {
  const { volume, database } = found;
  const message =
    `a person made ${next.primary} the primary although it may lack acknowledged writes; ` +
    `${volume.value.primary} was the primary before`;
  const events = await repository.eventWrites(next.database, [
    { reason: 'PRIMARY_FORCED', message, generation: next.generation },
  ]);
  const unchanged = [volume, ...(database === undefined ? [] : [database])];
  const result = await repository.store.transact(
    [...unchanged.map(({ key, revision }) => ({ key, revision })), ...events.conditions],
    [
      { key: volume.key, value: next },
      ...(database === undefined ? [] : [{ key: database.key, value: { ...database.value, busyWith: '' } }]),
      ...events.mutations,
    ],
  );
  if (!result.ok)
    throw new LockstepError('ABORTED', `${result.conflict} changed meanwhile; look again`, {
      reason: 'CONTENTION',
    });
}

/** The record names it already: where this fails, the same request is made again. */
async function tell({ repository, agents }: VolumesOptions, next: VolumeRecord, host: string): Promise<void> {
  const fence = { generation: BigInt(next.generation), workflow: 'force-primary', step: 'force' };
  const view = viewOf(next, await repository.hosts());
  await agents.call(host, agent.forcePrimary, { fence, view }, { deadlineMs: FORCE_MS });
}
