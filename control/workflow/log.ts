/**
 * A workflow's log in the control store: workflow-log/{workflow}/{sequence}, sequence from 0 without gaps.
 *
 * An entry is on stable storage before what it announces is done, and before what it reports is relied on. Each append
 * demands that its key is absent and that the workflow is still this daemon's (ownership.ts): of two daemons that believe
 * they run one workflow, the one that does not own it stops here.
 */
import { z } from 'zod';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { keys } from '../model/records.ts';
import type { ControlStore, Mutation } from '../store/store.ts';
import type { LogEntry, WorkflowRecord } from './workflow.ts';

/** A daemon that dies in the same step each time it starts adds an entry each time; somewhere a person must look. */
export const MAX_LOG_ENTRIES = 10_000;

const error = z.object({
  code: z.string(),
  reason: z.string(),
  message: z.string(),
  next: z.string().optional(),
});
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
  z.object({ kind: z.literal('retried'), timeMs: z.number() }),
  z.object({ kind: z.literal('abandoned'), timeMs: z.number(), reason: z.string() }),
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

export type LogReading =
  | { readonly ok: true; readonly value: readonly LogEntry[] }
  /** `last` where that one can be read: a person may have ended what nobody can go on with. */
  | { readonly ok: false; readonly reason: string; readonly last: LogEntry | undefined };

/** The whole log of one workflow, in order. */
export async function readLog(store: ControlStore, id: string): Promise<LogReading> {
  const entries: LogEntry[] = [];
  // One more: a log that is full can still be abandoned.
  for (const { key, value } of await store.list(keys.workflowLog(id), { limit: MAX_LOG_ENTRIES + 1 })) {
    const expected = keys.workflowLogEntry(id, entries.length);
    const entry = parseLogEntry(value);
    if (key !== expected || !entry.ok) {
      const reason = entry.ok ? `the log has ${key} where ${expected} should be` : `${key}: ${entry.reason}`;
      return { ok: false, reason, last: await lastEntry(store, id) };
    }
    entries.push(entry.value);
  }
  return { ok: true, value: entries };
}

/** One read, whatever the log's length; undefined where there is none that can be read. */
export async function lastEntry(store: ControlStore, id: string): Promise<LogEntry | undefined> {
  const [last] = await store.list(keys.workflowLog(id), { reverse: true, limit: 1 });
  const entry = parseLogEntry(last?.value);
  return entry.ok ? entry.value : undefined;
}

/** Whether nobody has to run it: it has ended, or waits for a person since an undo failed. */
export async function hasFinished(store: ControlStore, id: string): Promise<boolean> {
  const last = await lastEntry(store, id);
  return last?.kind === 'finished' || last?.kind === 'abandoned';
}

export const isStuck = (last: LogEntry | undefined): boolean =>
  last?.kind === 'finished' && last.outcome.kind === 'stuck';

/** Where the next entry goes, whatever the entries before it say. */
export async function nextLogKey(store: ControlStore, id: string): Promise<string> {
  const [last] = await store.list(keys.workflowLog(id), { reverse: true, limit: 1 });
  const sequence = last === undefined ? 0 : Number(last.key.slice(keys.workflowLog(id).length)) + 1;
  return keys.workflowLogEntry(id, sequence);
}

/** Another daemon has taken the workflow over: what this one still knows of it is of no more use. */
export class OwnershipLost extends Error {
  override readonly name = 'OwnershipLost';
}

/** Resolves once the entry is on stable storage. With the last one the workflow has an owner no more. */
export async function appendEntry(
  store: ControlStore,
  id: string,
  { sequence, ownerRevision }: { readonly sequence: number; readonly ownerRevision: number },
  entry: LogEntry,
): Promise<void> {
  if (sequence >= MAX_LOG_ENTRIES)
    throw new LockstepError(
      'RESOURCE_EXHAUSTED',
      `the log of workflow ${id} has ${sequence} entries, no more are taken`,
      { reason: 'WORKFLOW_LOG_FULL', metadata: { workflow: id } },
    );
  const key = keys.workflowLogEntry(id, sequence);
  const owner = keys.workflowOwner(id);
  const release: readonly Mutation[] = entry.kind === 'finished' ? [{ key: owner, deleted: true }] : [];
  const result = await store.transact(
    [
      { key: owner, revision: ownerRevision },
      { key, absent: true },
    ],
    [{ key, value: entry }, ...release],
  );
  if (result.ok) return;
  if (result.conflict === owner)
    throw new OwnershipLost(`workflow ${id} was taken over by another control daemon`);
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
