/** SnapshotService: each snapshot is kept by one host, which is asked for it. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import {
  type Snapshot as HostSnapshot,
  SnapshotServiceService as agent,
} from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import type {
  CreateSnapshotRequest,
  DeleteSnapshotRequest,
  DiffSnapshotsRequest,
  DiffSnapshotsResponse,
  ListSnapshotsRequest,
  ListSnapshotsResponse,
  RevertVolumeRequest,
  Snapshot,
  SnapshotServiceServer,
} from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import type { Agents } from '../agents.ts';
import type { Repository } from '../repository.ts';
import type { Starter } from '../starter.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { checkNotBusy } from './busy.ts';
import { cloneSnapshot } from './clone.ts';
import { hostOf, snapshotOf } from './fields.ts';
import { DISK_MS, fenceOf, keptBy, locate } from './snapshot-hosts.ts';
import type { Views } from './views.ts';
import { findVolume, type FoundVolume } from './volume-lookup.ts';

export interface SnapshotsOptions {
  readonly repository: Repository;
  readonly agents: Agents;
  readonly engine: WorkflowEngine;
  readonly starter: Starter;
  readonly views: Views;
  readonly wallClock: () => number;
  readonly log: Log;
}

export function snapshotService(
  options: SnapshotsOptions,
): Partial<SnapshotServiceServer> & UntypedServiceImplementation {
  const { log } = options;
  return {
    createSnapshot: unary(log, (request: CreateSnapshotRequest) => create(options, request)),
    listSnapshots: unary(log, (request: ListSnapshotsRequest) => list(options, request)),
    deleteSnapshot: unary(log, async (request: DeleteSnapshotRequest) => {
      const { found, snapshot, host } = await locate(options, request);
      const { volume } = found.volume.value;
      const removal = { fence: fenceOf(found, 'delete-snapshot'), volume, snapshot };
      await options.agents.call(host, agent.removeSnapshot, removal, { deadlineMs: DISK_MS });
      return {};
    }),
    cloneSnapshot: unary(log, (request) => cloneSnapshot(options, request)),
    revertVolume: unary(log, (request: RevertVolumeRequest) => revert(options, request)),
    diffSnapshots: unary(log, (request: DiffSnapshotsRequest) => diff(options, request)),
  };
}

async function create(options: SnapshotsOptions, request: CreateSnapshotRequest): Promise<Snapshot> {
  const found = await findVolume(options.repository, request.parent, 'parent');
  const { volume, primary, replicas } = found.volume.value;
  const host = request.host === '' ? primary : hostOf('host', request.host);
  if (!replicas.includes(host))
    throw host === ''
      ? new LockstepError('FAILED_PRECONDITION', `volume ${volume} has no primary yet`, {
          reason: 'NO_PRIMARY',
        })
      : invalidField('host', request.host, `a host of the volume: ${replicas.join(', ')}`);
  const { snapshotId: snapshot, quiesce } = request;
  const call = { fence: fenceOf(found, 'create-snapshot'), volume, snapshot, quiesce };
  const taken = await options.agents.call(host, agent.takeSnapshot, call, { deadlineMs: DISK_MS });
  // Deleted again by somebody else before it could be looked at.
  if (taken.snapshot === undefined)
    throw new LockstepError('ABORTED', `snapshot ${snapshot} was deleted meanwhile`, { reason: 'DELETED' });
  return viewOf(found, host, taken.snapshot);
}

async function list(
  options: SnapshotsOptions,
  request: ListSnapshotsRequest,
): Promise<ListSnapshotsResponse> {
  const found = await findVolume(options.repository, request.parent, 'parent');
  const { volume, replicas } = found.volume.value;
  const kept = await Promise.all(replicas.map((host) => keptBy(options, found, host)));
  const reverting = kept.flatMap((one) => one.revertingTo || []);
  return {
    snapshots: kept.flatMap(({ host, snapshots }) => snapshots.map((one) => viewOf(found, host, one))),
    unreachable: kept.filter(({ isReachable }) => !isReachable).map(({ host }) => `hosts/${host}`),
    volume: `volumes/${volume}`,
    revertingTo: reverting[0] === undefined ? '' : `volumes/${volume}/snapshots/${reverting[0]}`,
    nextPageToken: '',
  };
}

function viewOf({ volume, database }: FoundVolume, host: string, snapshot: HostSnapshot): Snapshot {
  const { name, sizeBytes, createTimeMs, quiesced, parent, volumes, ownBytes, sharedBytes } = snapshot;
  const [parentVolume, parentSnapshot] = parent.split('@');
  return {
    name: `volumes/${volume.value.volume}/snapshots/${name}`,
    host: `hosts/${host}`,
    sizeBytes,
    createTime: new Date(Number(createTimeMs)),
    quiesced,
    parent: parentSnapshot === undefined ? '' : `volumes/${parentVolume ?? ''}/snapshots/${parentSnapshot}`,
    volumes: volumes.map((standing) => `volumes/${standing}`),
    ownBytes,
    sharedBytes,
    engine: database?.value.engine ?? '',
    engineVersion: database?.value.engineVersion ?? '',
    final: database?.value.finalSnapshot === name,
  };
}

async function diff(
  options: SnapshotsOptions,
  request: DiffSnapshotsRequest,
): Promise<DiffSnapshotsResponse> {
  const { found, snapshot, host } = await locate(options, {
    name: request.from,
    host: request.host,
    field: 'from',
  });
  const { volume } = found.volume.value;
  const to = request.to === '' ? undefined : snapshotOf('to', request.to);
  if (to !== undefined) {
    const other = await findVolume(options.repository, to.parent, 'to');
    if (other.volume.value.volume !== volume)
      throw invalidField('to', request.to, `a snapshot of the same volume, ${volume}`);
  }
  const call = { volume, from: snapshot, to: to?.snapshot ?? '', offset: request.offset, maxExtents: 0 };
  const answer = await options.agents.call(host, agent.diffSnapshots, call, { deadlineMs: DISK_MS });
  return { ...answer, host: `hosts/${host}` };
}

async function revert(options: SnapshotsOptions, request: RevertVolumeRequest): Promise<Operation> {
  const { found, snapshot, host } = await locate(options, {
    name: request.name,
    host: '',
    prefer: 'primary',
  });
  const { volume, database } = found;
  const subject = `volumes/${volume.value.volume}`;
  if (database === undefined)
    throw new LockstepError('FAILED_PRECONDITION', `${subject} is of no database`, { reason: 'NO_DATABASE' });
  await checkNotBusy(options.engine, database.value);
  // A revert that has not ended left it as failed, and is asked for again.
  if (database.value.lifecycle !== 'active' && database.value.lifecycle !== 'failed')
    throw new LockstepError('FAILED_PRECONDITION', `the database is ${database.value.lifecycle}`, {
      reason: 'NOT_ACTIVE',
    });
  if (host !== volume.value.primary)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `snapshot ${snapshot} is kept by ${host}, and the primary is ${volume.value.primary}; fail over to ${host} first`,
      { reason: 'SNAPSHOT_ON_SECONDARY', metadata: { subject } },
    );
  if (!request.acceptDataLoss)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `what was written since snapshot ${snapshot} would be lost for good; the request does not accept that`,
      { reason: 'DATA_LOSS_NOT_ACCEPTED', metadata: { subject } },
    );
  const started = await options.starter.revert(database, volume, { host, snapshot });
  if (!started.ok)
    throw new LockstepError('ABORTED', 'the records changed meanwhile; look again', { reason: 'CONTENTION' });
  const operation = await options.engine.get(started.id);
  if (operation === undefined)
    throw new LockstepError('INTERNAL', `operations/${started.id} was started and is not there`);
  return options.views.operation(operation);
}
