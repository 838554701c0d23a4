/** A volume as the public API shows it: the record, and each replica by its own last word. Pure. */
import {
  type NbdListener,
  type Resync,
  ResyncMode,
  type Scrub,
  type Volume,
  type VolumeReplica,
  VolumeReplicaRole,
} from '../../proto/gen/lockstep/v1/volume_service.ts';
import {
  type Observed,
  type ObservedCopy,
  type ObservedReplica,
  type ObservedScrub,
  silenceOf,
} from './observation.ts';
import type { EventRecord, HostRecord, VolumeRecord } from './records.ts';

export interface VolumeFacts {
  readonly record: VolumeRecord;
  readonly hostRecords: ReadonlyMap<string, HostRecord>;
  readonly observed: Observed;
  /** Of its database, in any order. */
  readonly events: readonly Pick<EventRecord, 'generation' | 'timeMs'>[];
  /** One sentence, or empty. */
  readonly waitsFor: string;
  /** The workflow that holds the database; empty when none. */
  readonly busyWith: string;
  readonly silenceMs: number;
  readonly controlUpSinceMs: number;
  /** Of the clock that hosts are heard by. */
  readonly nowMs: number;
  readonly time: Date;
}

const MS_PER_SECOND = 1000;
/** Primaries of these states have a lease to lose, or wait for one to end. */
const LEASED: ReadonlySet<string> = new Set(['SERVING', 'HOLDING', 'PROMOTING']);
const MODES: Readonly<Record<string, ResyncMode>> = {
  SEED: ResyncMode.RESYNC_MODE_SEED,
  QUICK: ResyncMode.RESYNC_MODE_QUICK,
  COMPARE: ResyncMode.RESYNC_MODE_COMPARE,
};

export function viewVolume(facts: VolumeFacts): Volume {
  const { record } = facts;
  const others = record.replicas.filter((host) => host !== record.primary);
  const primaryFirst = record.primary === '' ? others : [record.primary, ...others];
  return {
    name: `volumes/${record.volume}`,
    database: record.database === '' ? '' : `databases/${record.database}`,
    time: facts.time,
    sizeBytes: BigInt(record.sizeBytes),
    generation: BigInt(record.generation),
    primary: record.primary === '' ? '' : hostName(record.primary),
    inSync: record.inSync.map(hostName),
    replicas: primaryFirst.map((host) => replicaView(facts, host)),
    waitsFor: facts.waitsFor,
    busyWith: facts.busyWith === '' ? '' : `operations/${facts.busyWith}`,
  };
}

function replicaView(facts: VolumeFacts, host: string): VolumeReplica {
  const { record, observed, controlUpSinceMs, nowMs } = facts;
  const observation = observed.get(host);
  const silenceMs = silenceOf(observation, controlUpSinceMs, nowMs);
  const replica = observation?.replicas.get(record.volume);
  return {
    host: hostName(host),
    zone: facts.hostRecords.get(host)?.zone ?? '',
    role: roleOf(record, host),
    reachable: observation !== undefined && silenceMs < facts.silenceMs,
    reportAgeMs: observation === undefined ? undefined : Math.round(nowMs - observation.lastHeardMs),
    state: replica?.state ?? '',
    generation: BigInt(replica?.generation ?? 0),
    reason: replica?.reason ?? '',
    leaseLeftMs: replica !== undefined && LEASED.has(replica.state) ? replica.leaseLeftMs : undefined,
    dirty: (replica?.dirty ?? []).map(({ host: other, dirtyBytes, known }) => ({
      host: hostName(other),
      bytes: BigInt(dirtyBytes),
      known,
    })),
    mayLackBytes: mayLack(facts, host),
    resync: replica?.copy === undefined ? undefined : resyncOf(replica.copy),
    consistentAt: BigInt(replica?.consistentAt ?? 0),
    consistentUntil: consistentUntil(facts, host, replica),
    mixed: replica?.mixed ?? false,
    machineRestarted: replica?.hostRebooted ?? false,
    repairedRegions: BigInt(replica?.repairedRegions ?? 0),
    heldRequests: replica?.heldRequests ?? 0,
    allocatedBytes: BigInt(replica?.allocatedBytes ?? 0),
    diskTotalBytes: BigInt(observation?.space?.totalBytes ?? 0),
    diskAvailableBytes: BigInt(observation?.space?.availableBytes ?? 0),
    spaceWarning: observation?.space?.warning ?? '',
    scrub: replica?.scrub === undefined ? undefined : scrubOf(replica.scrub),
    nbd: nbdOf(facts.hostRecords.get(host)),
  };
}

function nbdOf(host: HostRecord | undefined): NbdListener | undefined {
  if (host?.nbd === undefined) return undefined;
  const { port, socket, tls } = host.nbd;
  return { address: `${host.address}:${String(port)}`, socket, tls };
}

function roleOf(record: VolumeRecord, host: string): VolumeReplicaRole {
  if (host === record.primary) return VolumeReplicaRole.VOLUME_REPLICA_ROLE_PRIMARY;
  return record.inSync.includes(host)
    ? VolumeReplicaRole.VOLUME_REPLICA_ROLE_SECONDARY
    : VolumeReplicaRole.VOLUME_REPLICA_ROLE_OUT_OF_SYNC;
}

/** By the primary's account: nobody else sees what is acknowledged. */
function mayLack({ record, observed }: VolumeFacts, host: string): bigint | undefined {
  if (record.inSync.includes(host)) return 0n;
  const { dirty } = observed.get(record.primary)?.replicas.get(record.volume) ?? { dirty: [] };
  const its = dirty.find((one) => one.host === host && one.known);
  return its === undefined ? undefined : BigInt(its.dirtyBytes);
}

/** Until the first event of a later generation: then it was left behind. Undefined also where that is forgotten. */
function consistentUntil(
  { record, events }: VolumeFacts,
  host: string,
  replica: ObservedReplica | undefined,
): Date | undefined {
  if (replica === undefined || replica.consistentAt === 0 || record.inSync.includes(host)) return undefined;
  const later = events.filter(({ generation }) => generation > replica.consistentAt);
  if (later.length === 0) return undefined;
  return new Date(Math.min(...later.map(({ timeMs }) => timeMs)));
}

function resyncOf(copy: ObservedCopy): Resync {
  const { target, mode, phase, doneBytes, leftBytes, sentBytes, bytesPerSecond, limitBytesPerSecond, error } =
    copy;
  const leftMs = bytesPerSecond > 0 ? Math.round((leftBytes / bytesPerSecond) * MS_PER_SECOND) : undefined;
  return {
    target: hostName(target),
    mode: MODES[mode] ?? ResyncMode.RESYNC_MODE_UNSPECIFIED,
    phase,
    doneBytes: BigInt(doneBytes),
    leftBytes: BigInt(leftBytes),
    sentBytes: BigInt(sentBytes),
    bytesPerSecond: BigInt(bytesPerSecond),
    limitBytesPerSecond: BigInt(limitBytesPerSecond),
    leftMs: leftMs === undefined ? undefined : BigInt(leftMs),
    error,
  };
}

function scrubOf(scrub: ObservedScrub): Scrub {
  const { phase, doneBytes, totalBytes, repairedRegions, mismatchedRegions, error } = scrub;
  return {
    phase,
    doneBytes: BigInt(doneBytes),
    totalBytes: BigInt(totalBytes),
    repairedRegions: BigInt(repairedRegions),
    mismatchedRegions: BigInt(mismatchedRegions),
    mismatches: scrub.mismatches.map(({ offset, length, differ, damaged }) => ({
      offset: BigInt(offset),
      length: BigInt(length),
      differ: differ.map(hostName),
      damaged: damaged.map(hostName),
    })),
    limitBytesPerSecond: BigInt(scrub.limitBytesPerSecond),
    error,
    alone: scrub.alone,
  };
}

const hostName = (host: string): string => `hosts/${host}`;
