/** What becomes of a database whose workflow a person ended half done. Pure. */
import type { DatabaseRecord } from '../model/records.ts';
import type { WorkflowRecord } from './workflow.ts';

/**
 * What these leave half done must not be brought up by the monitor, so their database keeps the name of the ended
 * workflow; a delete or a revert takes it over.
 */
const KEEPS_THE_MONITOR_OFF: ReadonlySet<string> = new Set([
  'create-database',
  'create-volume',
  'create-single-database',
  'create-single-volume',
  'clone-database',
  'clone-volume',
  'purge-database',
  'revert-volume',
]);
/** From this version on a delete takes nothing away; the copies went with the one before it. */
const SOFT_DELETE_VERSION = 2;

export function afterAbandon(
  { lifecycle, busyWith }: Pick<DatabaseRecord, 'lifecycle' | 'busyWith'>,
  workflow: WorkflowRecord,
  failure: string,
): Partial<DatabaseRecord> {
  if (keepsTheMonitorOff(lifecycle, workflow)) return { lifecycle: 'failed', failure, busyWith };
  // It has no engine since a person asked for that, and none is started before a person asks for it.
  if (lifecycle === 'stopped' || lifecycle === 'deleted') return { busyWith: '' };
  // Of an undelete: what the monitor brings up is in use, and must not be purged.
  const inUse = { deleteTimeMs: 0, expireTimeMs: 0, finalSnapshot: '', busyWith: '' } as const;
  const wasStopped = lifecycle === 'deleting' && workflow.initialState['wasStopped'] === true;
  return wasStopped ? { ...inUse, lifecycle: 'stopped' } : { ...inUse, lifecycle: 'failed', failure };
}

/** Of one whose record cannot be read the database's own record tells enough. */
function keepsTheMonitorOff(
  lifecycle: DatabaseRecord['lifecycle'],
  { type, version }: WorkflowRecord,
): boolean {
  if (KEEPS_THE_MONITOR_OFF.has(type) || lifecycle === 'creating') return true;
  const isSoftDelete = type === 'delete-database' && version >= SOFT_DELETE_VERSION;
  return !isSoftDelete && (lifecycle === 'deleting' || type === 'delete-database');
}
