/** Workflows and their logs as text. Pure. */
import type { Workflow, WorkflowLogEntry } from '../../proto/gen/lockstep/v1/workflow_service.ts';
import { hostId, workflowId } from '../resource-names.ts';
import { type Json, orNull, taskJson, time } from './json.ts';
import { workflowStateName } from './names.ts';
import { renderTasks } from './render-operation.ts';
import { factSheet, formatTime, type Paint, printable, type Style, table } from './text.ts';

const COLUMNS = [
  { title: 'WORKFLOW' },
  { title: 'TYPE' },
  { title: 'TARGET' },
  { title: 'STATE' },
  { title: 'STARTED' },
  { title: 'WHY' },
] as const;

const STYLES: Readonly<Record<string, Style>> = {
  RUNNING: 'busy',
  UNDOING: 'warning',
  DONE: 'good',
  UNDONE: 'warning',
  STUCK: 'danger',
  ABANDONED: 'warning',
};

function stateOf(workflow: Workflow, paint: Paint): string {
  const name = workflowStateName(workflow.state);
  return paint(STYLES[name] ?? 'warning', name);
}

/** A failure can hold an engine's last words: `workflow get` has them all. */
const MOST_CHARACTERS = 80;

export function renderWorkflows(workflows: readonly Workflow[], paint: Paint): string {
  if (workflows.length === 0) return 'No workflows.\n';
  const rows = workflows.map((workflow) => [
    printable(workflowId(workflow.name)),
    printable(workflow.type),
    printable(workflow.target),
    stateOf(workflow, paint),
    formatTime(workflow.createTime),
    shortened(printable(workflow.reason.replaceAll('\n', ' '))),
  ]);
  return `${table(COLUMNS, rows, paint).join('\n')}\n`;
}

function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)} ...`;
}

export function renderWorkflow(workflow: Workflow, paint: Paint): string {
  const facts: readonly (readonly [string, string])[] = [
    ['type', printable(`${workflow.type}, version ${String(workflow.version)}`)],
    ['target', printable(workflow.target)],
    ['state', stateOf(workflow, paint)],
    ['why', printable(workflow.reason)],
    ['to do', printable(workflow.nextStep)],
    ['started', formatTime(workflow.createTime)],
    ['ended', workflow.endTime === undefined ? '' : formatTime(workflow.endTime)],
    ['run by', printable(hostId(workflow.owner))],
  ];
  const tasks = renderTasks(workflow.tasks);
  return `${factSheet(workflowId(workflow.name), facts, paint)}${tasks.map((line) => `${line}\n`).join('')}`;
}

export function renderWorkflowLog(entries: readonly WorkflowLogEntry[], paint: Paint): string {
  if (entries.length === 0) return 'Its log is empty.\n';
  const lines = entries.flatMap((entry) => {
    const head = `${String(entry.sequence).padStart(4)}  ${formatTime(entry.time)}  ${paint('heading', printable(entry.kind))}  ${printable(entry.step)}`;
    return [head.trimEnd(), ...(entry.detail === '' ? [] : [`      ${printable(entry.detail)}`])];
  });
  return `${lines.join('\n')}\n`;
}

export function workflowJson(workflow: Workflow): Json {
  return {
    name: workflow.name,
    id: workflowId(workflow.name),
    type: workflow.type,
    version: workflow.version,
    target: workflow.target,
    state: workflowStateName(workflow.state),
    reason: orNull(workflow.reason),
    nextStep: orNull(workflow.nextStep),
    createTime: time(workflow.createTime),
    endTime: time(workflow.endTime),
    owner: orNull(workflow.owner),
    tasks: workflow.tasks.map(taskJson),
  };
}

export function logEntryJson(entry: WorkflowLogEntry): Json {
  return {
    sequence: entry.sequence,
    time: time(entry.time),
    kind: entry.kind,
    step: orNull(entry.step),
    detail: orNull(entry.detail),
  };
}
