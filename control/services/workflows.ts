/** WorkflowService: the workflows behind the operations, their logs, and what to do with one that waits for a person. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { invalidField } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import {
  type AbandonWorkflowRequest,
  type GetWorkflowRequest,
  type ListWorkflowLogRequest,
  type ListWorkflowLogResponse,
  type ListWorkflowsRequest,
  type ListWorkflowsResponse,
  type RetryWorkflowRequest,
  type Workflow,
  type WorkflowServiceServer,
  WorkflowState,
} from '../../proto/gen/lockstep/v1/workflow_service.ts';
import { keys } from '../model/records.ts';
import { stateOfWorkflow, viewLogEntry, viewWorkflow } from '../model/workflow-view.ts';
import { type Repository, sequenceOf } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import {
  abandonWorkflow,
  type InterventionParts,
  requireWorkflow,
  retryWorkflow,
} from '../workflow/intervention.ts';
import { parseLogEntry } from '../workflow/log.ts';
import type { WorkflowSnapshot } from '../workflow/snapshot.ts';
import { checkEnum, lastOf, nextOf, pageSizeOf, pageToken } from './fields.ts';

export interface WorkflowsOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly wallClock: () => number;
  readonly log: Log;
}

const NAME = /^(?:workflows|operations)\/([a-z0-9-]{1,120})$/;
const STATES: ReadonlySet<WorkflowState> = new Set(
  Object.values(WorkflowState).filter((state) => state !== WorkflowState.WORKFLOW_STATE_UNSPECIFIED),
);
const TARGET = /^(?:databases|hosts)\/[a-z0-9-]{1,63}$/;

export function workflowService(
  options: WorkflowsOptions,
): WorkflowServiceServer & UntypedServiceImplementation {
  const { log, engine } = options;
  const parts: InterventionParts = options;
  const shown = (snapshot: WorkflowSnapshot): Promise<Workflow> => show(engine, snapshot);
  return {
    getWorkflow: unary(log, async ({ name }: GetWorkflowRequest) =>
      shown(await requireWorkflow(engine, idOf('name', name))),
    ),
    listWorkflows: unary(log, (request: ListWorkflowsRequest) => list(options, request)),
    listWorkflowLog: unary(log, (request: ListWorkflowLogRequest) => listLog(options, request)),
    retryWorkflow: unary(log, async ({ name }: RetryWorkflowRequest) =>
      shown(await retryWorkflow(parts, idOf('name', name))),
    ),
    abandonWorkflow: unary(log, async ({ name, acceptHalfDone }: AbandonWorkflowRequest) =>
      shown(await abandonWorkflow(parts, idOf('name', name), { acceptHalfDone })),
    ),
  };
}

async function show(engine: WorkflowEngine, snapshot: WorkflowSnapshot): Promise<Workflow> {
  const isRunning = snapshot.standing.kind === 'running';
  const owner = isRunning ? await engine.ownerOf(snapshot.record.id) : undefined;
  return viewWorkflow(snapshot, owner?.daemon ?? '');
}

/** Newest first. */
async function list(
  { engine }: WorkflowsOptions,
  request: ListWorkflowsRequest,
): Promise<ListWorkflowsResponse> {
  const { target, states } = request;
  for (const state of states) checkEnum('states', state, WorkflowState);
  if (target !== '' && !TARGET.test(target))
    throw invalidField('target', target, 'databases/{database}, hosts/{host}, or nothing');
  for (const state of states)
    if (!STATES.has(state)) throw invalidField('states', String(state), 'the states of a workflow');
  const pageSize = pageSizeOf(request.pageSize);
  const name = ['workflows', target, ...states].join(' ');
  const last = lastOf(name, request.pageToken);
  const snapshots = await engine.list(target === '' ? {} : { target });
  const wanted = snapshots
    .filter((snapshot) => states.length === 0 || states.includes(stateOfWorkflow(snapshot)))
    .map((snapshot) => ({ snapshot, cursor: cursorOf(snapshot) }))
    .sort((a, b) => (a.cursor < b.cursor ? 1 : -1))
    .filter(({ cursor }) => last === undefined || cursor < last);
  const page = wanted.slice(0, pageSize);
  const end = page.at(-1);
  return {
    workflows: await Promise.all(page.map(({ snapshot }) => show(engine, snapshot))),
    nextPageToken: end === undefined || wanted.length === page.length ? '' : pageToken(name, end.cursor),
  };
}

const TIME_DIGITS = 15;
const cursorOf = ({ record }: WorkflowSnapshot): string =>
  `${String(record.createTimeMs).padStart(TIME_DIGITS, '0')} ${record.id}`;

/** Oldest first. Entries that cannot be read are shown as such: they are why it waits. */
async function listLog(
  { engine, repository }: WorkflowsOptions,
  request: ListWorkflowLogRequest,
): Promise<ListWorkflowLogResponse> {
  const id = idOf('parent', request.parent);
  const pageSize = pageSizeOf(request.pageSize);
  const prefix = keys.workflowLog(id);
  const last = lastOf(prefix, request.pageToken);
  await requireWorkflow(engine, id);
  const after = last === undefined ? {} : { after: last };
  const entries = await repository.store.list(prefix, { ...after, limit: pageSize + 1 });
  const page = entries.slice(0, pageSize);
  return {
    entries: page.map(({ key, value }) => {
      const entry = parseLogEntry(value);
      if (entry.ok) return viewLogEntry(entry.value, sequenceOf(key));
      return {
        sequence: sequenceOf(key),
        time: undefined,
        kind: 'unreadable',
        step: '',
        detail: entry.reason,
      };
    }),
    nextPageToken: nextOf(prefix, page, entries.length),
  };
}

function idOf(field: string, name: string): string {
  const id = NAME.exec(name)?.[1];
  if (id === undefined) throw invalidField(field, name, 'workflows/{workflow} or operations/{operation}');
  return id;
}
