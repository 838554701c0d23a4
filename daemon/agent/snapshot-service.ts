/** Snapshots of this host's volumes, for control: lockstep.agent.v1.SnapshotService, thin over the volumes. */
import type {
  CloneSnapshotRequest,
  DiffSnapshotsRequest,
  DiffSnapshotsResponse,
  ListSnapshotsRequest,
  RemoveSnapshotRequest,
  RevertReplicaRequest,
  Snapshot,
  SnapshotServiceServer,
  TakeSnapshotRequest,
} from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import { REGION_BYTES } from '../replication/units.ts';
import type { SnapshotLineage } from '../store/layers/lineage.ts';
import { assert } from '../sys/errors.ts';
import { unary } from '../sys/grpc-unary.ts';
import type { Log } from '../sys/log.ts';
import type { VolumeSnapshots } from '../volume/volume-snapshots.ts';
import type { Volumes } from '../volume/volumes.ts';
import { checkFence } from './fence.ts';

export interface SnapshotParts {
  readonly volumes: Volumes;
  readonly snapshots: VolumeSnapshots;
  /** As in AgentParts: what is frozen or attached at the start is cleared first. */
  readonly recovered: Promise<void>;
  readonly log: Log;
}

/** In one answer: some 100 KiB. */
const MAX_EXTENTS = 8192;

export function snapshotService(parts: SnapshotParts): SnapshotServiceServer {
  const { volumes, snapshots, recovered, log } = parts;
  return {
    takeSnapshot: unary(log, async ({ fence, volume, snapshot, quiesce }: TakeSnapshotRequest) => {
      await recovered;
      checkFence(volumes, fence, volume);
      await snapshots.take(volume, snapshot, { quiesce });
      const taken = snapshots.list(volume).find(({ record }) => record.name === snapshot);
      return { snapshot: taken === undefined ? undefined : messageOf(taken) };
    }),
    listSnapshots: unary(log, ({ volume }: ListSnapshotsRequest) => ({
      snapshots: snapshots.list(volume).map(messageOf),
      revertingTo: volumes.revertUnderWay(volume) ?? '',
    })),
    removeSnapshot: unary(log, async ({ fence, volume, snapshot }: RemoveSnapshotRequest) => {
      checkFence(volumes, fence, volume);
      await snapshots.remove(volume, snapshot);
      return {};
    }),
    cloneSnapshot: unary(log, async ({ fence, volume, snapshot, clone }: CloneSnapshotRequest) => {
      checkFence(volumes, fence, volume);
      return { sizeBytes: BigInt(await snapshots.clone(volume, snapshot, clone)) };
    }),
    revertReplica: unary(log, async ({ fence, volume, snapshot }: RevertReplicaRequest) => {
      await recovered;
      checkFence(volumes, fence, volume);
      return { changedBytes: BigInt(await snapshots.revert(volume, snapshot)) };
    }),
    diffSnapshots: unary(log, (request: DiffSnapshotsRequest) => diff(snapshots, request)),
  };
}

function messageOf({ record, parent, volumes, ownBytes, sharedBytes }: SnapshotLineage): Snapshot {
  return {
    name: record.name,
    sizeBytes: BigInt(record.sizeBytes),
    createTimeMs: BigInt(record.createdAtMs),
    quiesced: record.quiesced,
    parent,
    volumes: [...volumes],
    ownBytes: BigInt(ownBytes),
    sharedBytes: BigInt(sharedBytes),
  };
}

function diff(snapshots: VolumeSnapshots, request: DiffSnapshotsRequest): DiffSnapshotsResponse {
  const { volume, from, to, offset, maxExtents } = request;
  const limit = Math.min(maxExtents === 0 ? MAX_EXTENTS : maxExtents, MAX_EXTENTS);
  const first = Math.floor(Number(offset) / REGION_BYTES);
  const question = { from, to: to === '' ? undefined : to, first, limit };
  const { runs, next } = snapshots.diff(volume, question);
  assert(next === undefined || next > first, 'each answer comes further than the one before');
  return {
    extents: runs.map((run) => ({
      offset: BigInt(run.first * REGION_BYTES),
      length: BigInt(run.count * REGION_BYTES),
    })),
    nextOffset: BigInt((next ?? 0) * REGION_BYTES),
  };
}
