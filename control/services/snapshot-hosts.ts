/** Which host keeps a snapshot: nobody but the hosts themselves knows. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Fence } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import {
  type Snapshot,
  SnapshotServiceService as agent,
} from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import type { Agents } from '../agents.ts';
import { finalSnapshotHosts } from '../model/final-snapshot.ts';
import type { Repository } from '../repository.ts';
import { hostOf, snapshotOf } from './fields.ts';
import { findVolume, type FoundVolume } from './volume-lookup.ts';

interface Asked {
  readonly repository: Repository;
  readonly agents: Agents;
}

/** From memory. */
const LIST_MS = 5000;
/** What a host does about its disk; a file system that is frozen first may have much to write. */
export const DISK_MS = 60_000;

export interface Kept {
  readonly host: string;
  readonly isReachable: boolean;
  readonly snapshots: readonly Snapshot[];
  readonly revertingTo: string;
}

export async function keptBy({ agents }: Asked, { volume }: FoundVolume, host: string): Promise<Kept> {
  try {
    const request = { volume: volume.value.volume };
    const answer = await agents.call(host, agent.listSnapshots, request, { deadlineMs: LIST_MS });
    return { host, isReachable: true, ...answer };
  } catch (error) {
    const code = error instanceof LockstepError ? error.code : '';
    const none = { host, snapshots: [], revertingTo: '' };
    // It has no replica yet, or none any more.
    if (code === 'NOT_FOUND') return { ...none, isReachable: true };
    if (code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED') return { ...none, isReachable: false };
    throw error;
  }
}

export interface Located {
  readonly found: FoundVolume;
  readonly snapshot: string;
  readonly host: string;
  /** Of the snapshot: its volume may have another size by now. */
  readonly sizeBytes: number;
}

interface Wanted {
  readonly name: string;
  readonly host: string;
  /** Of several hosts that have one of that name. */
  readonly prefer?: 'primary';
  /** Where the request has the name. */
  readonly field?: string;
}

/** Throws where it is not clear which one is meant. */
export async function locate(asked: Asked, { name, host, prefer, field = 'name' }: Wanted): Promise<Located> {
  const { parent, snapshot } = snapshotOf(field, name);
  const found = await findVolume(asked.repository, parent);
  const { primary, volume } = found.volume.value;
  const hosts = host === '' ? holdersOf(found, snapshot) : [hostOf('host', host)];
  const kept = await Promise.all(hosts.map((one) => keptBy(asked, found, one)));
  const having = kept.flatMap(({ host: one, snapshots }) =>
    snapshots
      .filter((its) => its.name === snapshot)
      .map(({ sizeBytes }) => ({ host: one, sizeBytes: Number(sizeBytes) })),
  );
  const [only] = having;
  if (only !== undefined && having.length === 1) return { found, snapshot, ...only };
  const isPrimaryMeant = prefer === 'primary' || isFinal(found, snapshot);
  const ofPrimary = isPrimaryMeant ? having.find((one) => one.host === primary) : undefined;
  if (ofPrimary !== undefined) return { found, snapshot, ...ofPrimary };
  if (only !== undefined && isFinal(found, snapshot)) return { found, snapshot, ...only };
  const metadata = { subject: `volumes/${volume}/snapshots/${snapshot}` };
  if (only !== undefined)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `${having.map((one) => one.host).join(' and ')} each have a snapshot ${snapshot} of ${volume}: name the host`,
      { reason: 'SNAPSHOT_AMBIGUOUS', metadata },
    );
  const away = kept.filter(({ isReachable }) => !isReachable).map((one) => one.host);
  if (away.length > 0)
    throw new LockstepError(
      'UNAVAILABLE',
      `no host that can be reached has a snapshot ${snapshot} of ${volume}; ${away.join(' and ')} cannot be`,
      { reason: 'HOST_UNREACHABLE', metadata },
    );
  throw new LockstepError(
    'NOT_FOUND',
    `volume ${volume} has no snapshot ${snapshot} on ${hosts.join(' or ')}`,
    {
      reason: 'SNAPSHOT_NOT_FOUND',
      metadata,
    },
  );
}

/** Taken when nobody wrote any more: it is the same on every host. */
export function isFinal({ database, archive }: FoundVolume, snapshot: string): boolean {
  if (archive !== undefined) return archive.value.snapshot === snapshot;
  return database?.value.lifecycle === 'deleted' && database.value.finalSnapshot === snapshot;
}

/** Of the hosts of the volume, those whose snapshot of that name is meant where none is named. */
export function holdersOf(found: FoundVolume, snapshot: string): readonly string[] {
  const { value } = found.volume;
  return isFinal(found, snapshot) ? finalSnapshotHosts(value, snapshot) : value.replicas;
}

export function fenceOf({ volume }: FoundVolume, verb: string): Fence {
  return { generation: BigInt(volume.value.generation), workflow: verb, step: verb };
}
