/** SnapshotService: each snapshot is kept by one host, which is asked for it. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { SnapshotServiceService as agent } from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import type {
  CloneSnapshotRequest,
  CreateSnapshotRequest,
  DeleteSnapshotRequest,
  DiffSnapshotsRequest,
  DiffSnapshotsResponse,
  GetSnapshotRequest,
  ListSnapshotsRequest,
  RestoreSnapshotRequest,
  RevertVolumeRequest,
  Snapshot,
  SnapshotServiceServer,
} from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import { cloneSnapshot } from './clone.ts';
import { type DatabaseCloneOptions, restoreSnapshot } from './database-clone.ts';
import { hostOf, snapshotOf } from './fields.ts';
import { deleteSnapshot } from './snapshot-delete.ts';
import { DISK_MS, fenceOf, locate } from './snapshot-hosts.ts';
import { getSnapshot, listSnapshots, viewOf } from './snapshot-list.ts';
import { findVolume } from './volume-lookup.ts';
import { revertToSnapshot, type RevertOptions } from './volume-revert.ts';

export interface SnapshotsOptions extends DatabaseCloneOptions, RevertOptions {
  readonly log: Log;
}

export function snapshotService(
  options: SnapshotsOptions,
): SnapshotServiceServer & UntypedServiceImplementation {
  const { log } = options;
  return {
    createSnapshot: unary(log, (request: CreateSnapshotRequest) => create(options, request)),
    getSnapshot: unary(log, (request: GetSnapshotRequest) => getSnapshot(options, request)),
    listSnapshots: unary(log, (request: ListSnapshotsRequest) => listSnapshots(options, request)),
    deleteSnapshot: unary(log, (request: DeleteSnapshotRequest) => deleteSnapshot(options, request)),
    cloneSnapshot: unary(log, (request: CloneSnapshotRequest, { signal }) =>
      cloneSnapshot(options, request, signal),
    ),
    restoreSnapshot: unary(log, (request: RestoreSnapshotRequest) => restoreSnapshot(options, request)),
    revertVolume: unary(log, (request: RevertVolumeRequest) => revertToSnapshot(options, request)),
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
