/** RevertVolume: checks that the volume may go back, and starts the workflow that has it do so. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type { RevertVolumeRequest } from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import type { Agents } from '../agents.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import { checkNotBusy } from './busy.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { locate } from './snapshot-hosts.ts';
import { packDatabase } from './views.ts';

export interface RevertOptions extends IdempotentOptions {
  readonly agents: Agents;
  readonly starter: Starter;
}

interface Way {
  readonly database: Entry<DatabaseRecord>;
  readonly volume: Entry<VolumeRecord>;
  readonly snapshot: string;
  readonly host: string;
}

/** A request that is repeated must not lose what was written since it was answered: hence its id. */
export function revertToSnapshot(options: RevertOptions, request: RevertVolumeRequest): Promise<Operation> {
  return idempotently(options, 'revert', request, async (identity) => {
    const { database, volume, snapshot, host } = await checked(options, request);
    if (request.validateOnly) return packDatabase(await options.views.database(database));
    return options.starter.revert(database, volume, { host, snapshot }, identity);
  });
}

async function checked(options: RevertOptions, { name, acceptDataLoss }: RevertVolumeRequest): Promise<Way> {
  const { found, snapshot, host } = await locate(options, { name, host: '', prefer: 'primary' });
  const { volume, database } = found;
  const subject = `volumes/${volume.value.volume}`;
  if (database === undefined)
    throw new LockstepError('FAILED_PRECONDITION', `${subject} is of no database`, {
      reason: 'NO_DATABASE',
      metadata: { subject },
    });
  await checkNotBusy(options.engine, database.value);
  // A revert that has not ended left it as failed, and is asked for again.
  if (database.value.lifecycle !== 'active' && database.value.lifecycle !== 'failed')
    throw new LockstepError('FAILED_PRECONDITION', `the database is ${database.value.lifecycle}`, {
      reason: 'NOT_ACTIVE',
      metadata: { subject: `databases/${database.value.id}` },
    });
  if (host !== volume.value.primary)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `snapshot ${snapshot} is kept by ${host}, and the primary is ${volume.value.primary}; fail over to ${host} first`,
      { reason: 'SNAPSHOT_ON_SECONDARY', metadata: { subject } },
    );
  if (!acceptDataLoss)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `what was written since snapshot ${snapshot} would be lost for good; the request does not accept that`,
      { reason: 'DATA_LOSS_NOT_ACCEPTED', metadata: { subject } },
    );
  return { database, volume, snapshot, host };
}
