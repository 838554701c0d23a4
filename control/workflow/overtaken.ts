/**
 * One that let go when it got stuck left its database to the monitor and to people. What they have done since must not
 * be undone: its undo may be to kill an engine that runs again. A rename counts too: what it knows of the database then
 * has the old name. Ordered by the store's revisions, from the undo that failed on: it let go after that, and before its
 * end was written.
 */
import { keys } from '../model/records.ts';
import type { ControlStore, Entry } from '../store/store.ts';
import { parseWorkflowRecord } from './log.ts';
import type { WorkflowRecord } from './workflow.ts';

/** Those that can be read; in the order in which they were begun, which a clock that jumps does not change. */
export async function workflowEntries(store: ControlStore): Promise<readonly Entry<WorkflowRecord>[]> {
  const entries = (await store.list(keys.workflows)).flatMap(({ key, revision, value }) => {
    const record = parseWorkflowRecord(value);
    return record.ok ? [{ key, revision, value: record.value }] : [];
  });
  return entries.sort((a, b) => a.revision - b.revision);
}

/** The newest that has worked on the database of a stuck one since that let go; `entries` as `workflowEntries` has them. */
export async function overtakerOf(
  store: ControlStore,
  { id, target, initialState }: WorkflowRecord,
  entries: readonly Entry<WorkflowRecord>[],
): Promise<WorkflowRecord | undefined> {
  const [, undoFailed] = await store.list(keys.workflowLog(id), { reverse: true, limit: 2 });
  const sinceRevision = undoFailed?.revision ?? 0;
  const { volume } = initialState;
  const isOfTheSame = ({ value }: Entry<WorkflowRecord>): boolean =>
    value.id !== id &&
    (typeof volume === 'string' ? value.initialState['volume'] === volume : value.target === target);
  const later = entries.findLast((entry) => entry.revision <= sinceRevision || isOfTheSame(entry));
  return later !== undefined && later.revision > sinceRevision ? later.value : undefined;
}
