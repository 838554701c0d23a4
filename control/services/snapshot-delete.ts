/**
 * DeleteSnapshot. A final snapshot is the same on every host, so that it goes on all of them where none is named; with the
 * last snapshot of an archive the archive goes too.
 */
import { LockstepError } from '../../daemon/sys/errors.ts';
import { SnapshotServiceService as agent } from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import type {
  DeleteSnapshotRequest,
  DeleteSnapshotResponse,
} from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import type { Agents } from '../agents.ts';
import type { ArchiveRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { checkNotBusy } from './busy.ts';
import { snapshotOf } from './fields.ts';
import { DISK_MS, fenceOf, holdersOf, isFinal, keptBy, type Located, locate } from './snapshot-hosts.ts';
import { findVolume } from './volume-lookup.ts';

interface DeleteOptions {
  readonly repository: Repository;
  readonly agents: Agents;
  readonly engine: WorkflowEngine;
}

export async function deleteSnapshot(
  options: DeleteOptions,
  request: DeleteSnapshotRequest,
): Promise<DeleteSnapshotResponse> {
  const located = await locate(options, request).catch(async (error: unknown) => {
    // One before this may have come as far as the hosts, and no further: the records still name what is gone.
    if (error instanceof LockstepError && error.reason === 'SNAPSHOT_NOT_FOUND')
      await forget(options, await foundAgain(options, request.name), false);
    throw error;
  });
  const { found, snapshot } = located;
  const { volume } = found.volume.value;
  const goesEverywhere = request.host === '' && isFinal(found, snapshot);
  // A purge under way would make an archive of it.
  if (isFinal(found, snapshot) && found.database !== undefined)
    await checkNotBusy(options.engine, found.database.value);
  const removal = { fence: fenceOf(found, 'delete-snapshot'), volume, snapshot };
  for (const host of goesEverywhere ? await havingIt(options, located) : [located.host])
    await options.agents.call(host, agent.removeSnapshot, removal, { deadlineMs: DISK_MS });
  // A purge that began meanwhile has made an archive of the database.
  await forget(options, await foundAgain(options, `volumes/${volume}/snapshots/${snapshot}`), goesEverywhere);
  return {};
}

async function foundAgain(
  { repository }: DeleteOptions,
  name: string,
): Promise<Pick<Located, 'found' | 'snapshot'>> {
  const { parent, snapshot } = snapshotOf('name', name);
  return { found: await findVolume(repository, parent), snapshot };
}

async function havingIt(options: DeleteOptions, { found, snapshot }: Located): Promise<readonly string[]> {
  const kept = await Promise.all(holdersOf(found, snapshot).map((host) => keptBy(options, found, host)));
  return kept
    .filter(({ snapshots }) => snapshots.some(({ name }) => name === snapshot))
    .map(({ host }) => host);
}

/** A host that cannot be asked may keep another one: then only a delete that names no host says that nothing is to stay. */
async function forget(
  options: DeleteOptions,
  { found, snapshot }: Pick<Located, 'found' | 'snapshot'>,
  goesEverywhere: boolean,
): Promise<void> {
  const { archive, database } = found;
  if (archive === undefined && !isFinal(found, snapshot)) return;
  const kept = await Promise.all(found.volume.value.replicas.map((host) => keptBy(options, found, host)));
  if (!goesEverywhere && kept.some(({ isReachable }) => !isReachable)) return;
  const left = kept.flatMap(({ snapshots }) => snapshots.map(({ name }) => name));
  if (archive !== undefined && left.length === 0) await markRemoved(options.repository, archive.value);
  const holders = holdersOf(found, snapshot);
  const isLeft = kept.some(
    ({ host, snapshots }) => holders.includes(host) && snapshots.some(({ name }) => name === snapshot),
  );
  if (database !== undefined && !isLeft)
    await options.repository.updateDatabase(database.value.id, (record) =>
      record.finalSnapshot === snapshot ? { ...record, finalSnapshot: '' } : undefined,
    );
}

async function markRemoved(repository: Repository, { volume }: ArchiveRecord): Promise<void> {
  const entry = await repository.archive(volume);
  if (entry === undefined || entry.value.isRemoved) return;
  const { key, revision, value } = entry;
  const result = await repository.store.transact(
    [{ key, revision }],
    [{ key, value: { ...value, isRemoved: true } }],
  );
  if (!result.ok)
    throw new LockstepError('ABORTED', `${result.conflict} changed meanwhile; try again`, {
      reason: 'CONTENTION',
    });
}
