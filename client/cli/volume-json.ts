/** `lockstep volume ... -o json`: the same contract as json.ts. */
import type { Resync, Scrub, Volume, VolumeReplica } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { hostId, volumeId } from '../lockstep.ts';
import { integer, type Json, time } from './json.ts';
import { replicaRoleName, resyncModeName } from './names.ts';
import { judgeVolume } from './volume-verdict.ts';

export function volumeJson(volume: Volume): Json {
  const { level, headline } = judgeVolume(volume);
  return {
    name: volume.name,
    id: volumeId(volume.name),
    database: volume.database,
    time: time(volume.time),
    verdict: { level, headline },
    sizeBytes: integer(volume.sizeBytes),
    generation: integer(volume.generation),
    primary: volume.primary === '' ? null : hostId(volume.primary),
    inSync: volume.inSync.map(hostId),
    waitsFor: volume.waitsFor === '' ? null : volume.waitsFor,
    busyWith: volume.busyWith === '' ? null : volume.busyWith,
    replicas: volume.replicas.map(replicaJson),
  };
}

function replicaJson(replica: VolumeReplica): Json {
  return {
    host: hostId(replica.host),
    zone: replica.zone,
    role: replicaRoleName(replica.role),
    state: replica.state === '' ? null : replica.state,
    generation: integer(replica.generation),
    reachable: replica.reachable,
    reportAgeMs: replica.reportAgeMs ?? null,
    reason: replica.reason === '' ? null : replica.reason,
    leaseLeftMs: replica.leaseLeftMs ?? null,
    mayLackBytes: replica.mayLackBytes === undefined ? null : integer(replica.mayLackBytes),
    dirty: replica.dirty.map(({ host, bytes, known }) => ({
      host: hostId(host),
      bytes: known ? integer(bytes) : null,
    })),
    resync: replica.resync === undefined ? null : resyncJson(replica.resync),
    consistentAt: integer(replica.consistentAt),
    consistentUntil: time(replica.consistentUntil),
    mixed: replica.mixed,
    machineRestarted: replica.machineRestarted,
    repairedRegions: integer(replica.repairedRegions),
    heldRequests: replica.heldRequests,
    allocatedBytes: integer(replica.allocatedBytes),
    diskTotalBytes: integer(replica.diskTotalBytes),
    diskAvailableBytes: integer(replica.diskAvailableBytes),
    spaceWarning: replica.spaceWarning === '' ? null : replica.spaceWarning,
    scrub: replica.scrub === undefined ? null : scrubJson(replica.scrub),
    nbd: replica.nbd === undefined ? null : { ...replica.nbd },
  };
}

function scrubJson(scrub: Scrub): Json {
  return {
    phase: scrub.phase,
    doneBytes: integer(scrub.doneBytes),
    totalBytes: integer(scrub.totalBytes),
    repairedRegions: integer(scrub.repairedRegions),
    mismatchedRegions: integer(scrub.mismatchedRegions),
    mismatches: scrub.mismatches.map(({ offset, length, differ, damaged }) => ({
      offset: integer(offset),
      length: integer(length),
      differ: differ.map(hostId),
      damaged: damaged.map(hostId),
    })),
    limitBytesPerSecond: scrub.limitBytesPerSecond === 0n ? null : integer(scrub.limitBytesPerSecond),
    error: scrub.error === '' ? null : scrub.error,
    alone: scrub.alone,
  };
}

function resyncJson(resync: Resync): Json {
  return {
    target: hostId(resync.target),
    mode: resyncModeName(resync.mode),
    phase: resync.phase,
    doneBytes: integer(resync.doneBytes),
    leftBytes: integer(resync.leftBytes),
    sentBytes: integer(resync.sentBytes),
    bytesPerSecond: integer(resync.bytesPerSecond),
    limitBytesPerSecond: resync.limitBytesPerSecond === 0n ? null : integer(resync.limitBytesPerSecond),
    leftMs: resync.leftMs === undefined ? null : integer(resync.leftMs),
    error: resync.error === '' ? null : resync.error,
  };
}
