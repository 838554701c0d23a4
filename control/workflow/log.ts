/**
 * A workflow's log in the control store: workflow-log/{workflow}/{sequence}, sequence from 0 without gaps.
 *
 * An entry is on stable storage before what it announces is done, and before what it reports is relied on. Each append
 * demands that its key is absent: of two daemons that believe they run one workflow, the slower stops here.
 */
import { z } from 'zod';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { keys } from '../model/records.ts';
import type { ControlStore } from '../store/store.ts';
import type { LogEntry, WorkflowRecord } from './workflow.ts';

/** A daemon that dies in the same step each time it starts adds an entry each time; somewhere a person must look. */
export const MAX_LOG_ENTRIES = 10_000;

const error = z.object({ code: z.string(), reason: z.string(), message: z.string() });
const state = z.record(z.string(), z.unknown());
const stepped = { step: z.string(), timeMs: z.number() };
const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('step-started'), ...stepped }),
  z.object({ kind: z.literal('step-done'), ...stepped, patch: state }),
  z.object({ kind: z.literal('step-failed'), ...stepped, error }),
  z.object({ kind: z.literal('undo-started'), ...stepped }),
  z.object({ kind: z.literal('undo-done'), ...stepped }),
  z.object({ kind: z.literal('undo-failed'), ...stepped, error }),
  z.object({
    kind: z.literal('finished'),
    timeMs: z.number(),
    outcome: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('done') }),
      z.object({ kind: z.literal('undone'), step: z.string(), error }),
      z.object({ kind: z.literal('stuck'), step: z.string(), error }),
    ]),
  }),
]);
const recordSchema = z.object({
  id: z.string(),
  type: z.string(),
  version: z.number(),
  target: z.string(),
  createTimeMs: z.number(),
  initialState: state,
});

export type ReadResult<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: string };

export function parseLogEntry(value: unknown): ReadResult<LogEntry> {
  return decoded(entrySchema.safeParse(value), 'a log entry');
}

export function parseWorkflowRecord(value: unknown): ReadResult<WorkflowRecord> {
  return decoded(recordSchema.safeParse(value), 'a workflow record');
}

/** The whole log of one workflow, in order. */
export async function readLog(store: ControlStore, id: string): Promise<ReadResult<readonly LogEntry[]>> {
  const entries: LogEntry[] = [];
  for (const { key, value } of await store.list(keys.workflowLog(id), { limit: MAX_LOG_ENTRIES })) {
    const expected = keys.workflowLogEntry(id, entries.length);
    if (key !== expected) return { ok: false, reason: `the log has ${key} where ${expected} should be` };
    const entry = parseLogEntry(value);
    if (!entry.ok) return { ok: false, reason: `${key}: ${entry.reason}` };
    entries.push(entry.value);
  }
  return { ok: true, value: entries };
}

/** Whether a workflow's log ends in `finished`: one read, whatever its length. */
export async function hasFinished(store: ControlStore, id: string): Promise<boolean> {
  const [last] = await store.list(keys.workflowLog(id), { reverse: true, limit: 1 });
  const entry = parseLogEntry(last?.value);
  return entry.ok && entry.value.kind === 'finished';
}

/** Resolves once the entry is on stable storage. */
export async function appendEntry(
  store: ControlStore,
  id: string,
  sequence: number,
  entry: LogEntry,
): Promise<void> {
  if (sequence >= MAX_LOG_ENTRIES)
    throw new LockstepError(
      'RESOURCE_EXHAUSTED',
      `the log of workflow ${id} has ${sequence} entries, no more are taken`,
      { reason: 'WORKFLOW_LOG_FULL', metadata: { workflow: id } },
    );
  const key = keys.workflowLogEntry(id, sequence);
  const result = await store.transact([{ key, absent: true }], [{ key, value: entry }]);
  if (!result.ok)
    throw new LockstepError('ABORTED', `${key} exists: workflow ${id} is being run by another daemon`, {
      reason: 'WORKFLOW_LOG_CONFLICT',
      metadata: { workflow: id },
    });
}

function decoded<Value>(result: z.ZodSafeParseResult<Value>, what: string): ReadResult<Value> {
  if (result.success) return { ok: true, value: result.data };
  const [issue] = result.error.issues;
  return {
    ok: false,
    reason: `not ${what}: ${issue?.path.map(String).join('.') ?? ''} ${issue?.message ?? ''}`,
  };
}
