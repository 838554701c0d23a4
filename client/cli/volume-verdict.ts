/** What the replicas of a volume mean for a person, in one line. Pure. */
import {
  type Resync,
  type Scrub,
  type Volume,
  type VolumeReplica,
  VolumeReplicaRole as Role,
} from '../../proto/gen/lockstep/v1/volume_service.ts';
import { hostId } from '../resource-names.ts';
import { counted, listed } from './text.ts';
import { type Level } from './verdict.ts';

export interface VolumeVerdict {
  readonly level: Level;
  readonly headline: string;
}

const RUNNING: ReadonlySet<string> = new Set(['SEEDING', 'SEEDED', 'CATCHING_UP', 'ASKING']);

/** HOLDING answers reads as long as its lease lasts. */
const SERVED: ReadonlySet<string> = new Set(['SERVING', 'SOLO', 'HOLDING']);

/** Good only where every replica is heard, in sync by the record, and agrees that it is. */
export function judgeVolume(volume: Volume): VolumeVerdict {
  const primary = volume.replicas.find(({ role }) => role === Role.VOLUME_REPLICA_ROLE_PRIMARY);
  if (primary === undefined) return { level: 'busy', headline: 'NOT SERVED YET: it has no primary.' };
  const trouble = troubleOf(primary);
  if (trouble !== undefined) return { level: 'danger', headline: `NOT SERVED: ${trouble}.` };
  if (primary.state === 'HOLDING')
    return {
      level: 'warning',
      headline: `WAITING: its primary, ${hostId(primary.host)}, holds writes until it is decided how to go on.`,
    };
  const lost = volume.replicas.filter((one) => one !== primary && !isWhole(volume, one));
  const differ = Number(scrubOf(volume)?.mismatchedRegions ?? 0n);
  if (lost.length === 0 && differ > 0)
    return {
      level: 'warning',
      headline: `DAMAGED: a scrub found ${counted(differ, 'region')} ${
        scrubOf(volume)?.alone === true
          ? 'that there is no other copy of'
          : 'in which no checksum says whose copy is right'
      }.`,
    };
  if (lost.length === 0) return { level: 'good', headline: inSyncHeadline(volume) };
  const copies = counted(volume.replicas.length - lost.length, 'copy').replace('copys', 'copies');
  const resync = runningResync(volume);
  if (resync !== undefined)
    return {
      level: 'busy',
      headline: `RESYNCING: served from ${copies}, ${hostId(resync.target)} is being brought up to date.`,
    };
  const why = lost.map((one) => `${hostId(one.host)} ${howLost(one)}`);
  return { level: 'warning', headline: `DEGRADED: served from ${copies}; ${listed(why)}.` };
}

/** That of its primary, which alone makes one. */
export function scrubOf(volume: Volume): Scrub | undefined {
  return volume.replicas.find(({ host }) => host === volume.primary)?.scrub;
}

/** The copy that the primary is at; one that ended is history. */
export function runningResync(volume: Volume): Resync | undefined {
  return volume.replicas.find(({ resync }) => resync !== undefined && RUNNING.has(resync.phase))?.resync;
}

function inSyncHeadline({ replicas }: Volume): string {
  return replicas.length === 1
    ? 'SERVED from its only copy.'
    : `IN SYNC: ${counted(replicas.length, 'replica')} hold every acknowledged write.`;
}

function troubleOf(primary: VolumeReplica): string | undefined {
  const host = hostId(primary.host);
  if (!primary.reachable) return `the host of its primary, ${host}, is silent`;
  if (SERVED.has(primary.state)) return undefined;
  return `its primary, ${host}, is ${primary.state === '' ? 'without a replica' : primary.state}`;
}

function isWhole(volume: Volume, replica: VolumeReplica): boolean {
  return (
    replica.role === Role.VOLUME_REPLICA_ROLE_SECONDARY &&
    replica.reachable &&
    replica.state === 'SECONDARY' &&
    replica.generation === volume.generation
  );
}

function howLost(replica: VolumeReplica): string {
  if (!replica.reachable) return 'is silent';
  return replica.state === '' ? 'has no replica' : `is ${replica.state}`;
}
