/** Operations and their tasks as text, and the lines that a progress without a terminal consists of. Pure. */
import { type Task, TaskState } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Operation } from '../operations.ts';
import { taskStateName } from './names.ts';
import { counted, formatDuration, formatTime, type Paint, printable, table } from './text.ts';

/** One line: what it works on, and the task it is at. */
export function renderOperationLine(operation: Operation): string {
  const { workflow, target } = operation.metadata;
  return printable(`${operation.name}  ${workflow} ${target}: ${stageOf(operation)}`);
}

function stageOf(operation: Operation): string {
  const { tasks } = operation.metadata;
  const { outcome } = operation;
  if (outcome.kind === 'succeeded') return 'done';
  if (outcome.kind === 'failed') return `failed: ${outcome.error.message}`;
  const at = tasks.findIndex((task) => isActive(task.state));
  const task = tasks[at];
  if (task === undefined)
    return `${counted(tasks.filter(isDone).length, 'task')} done of ${String(tasks.length)}`;
  return `${describe(task)} (${String(at + 1)} of ${String(tasks.length)})${progressOf(task)}`;
}

/** The line, and below it each of its tasks. */
export function renderOperation(operation: Operation): string {
  return `${[renderOperationLine(operation), ...renderTasks(operation.metadata.tasks)].join('\n')}\n`;
}

/** A line for each, numbered. */
export function renderTasks(tasks: readonly Task[]): readonly string[] {
  return tasks.map((task, index) => {
    const place = `  ${String(index + 1)}. ${describe(task)}${progressOf(task)}`;
    return printable(`${place}${isActive(task.state) ? '' : endingOf(task)}`);
  });
}

export function renderOperationTable(operations: readonly Operation[], paint: Paint): string {
  if (operations.length === 0) return 'No operations.\n';
  const rows = operations.map((operation) => [
    printable(operation.name),
    printable(operation.metadata.workflow),
    printable(operation.metadata.target),
    formatTime(operation.metadata.createTime),
    shortened(printable(stageOf(operation))),
  ]);
  const columns = [
    { title: 'OPERATION' },
    { title: 'WORKFLOW' },
    { title: 'TARGET' },
    { title: 'STARTED' },
    { title: 'STAGE' },
  ];
  return `${table(columns, rows, paint).join('\n')}\n`;
}

/** A failure can hold an engine's last words: `operation watch` has them all. */
const MAX_STAGE_CHARACTERS = 100;

function shortened(text: string): string {
  const line = text.replaceAll('\n', ' ');
  return line.length <= MAX_STAGE_CHARACTERS ? line : `${line.slice(0, MAX_STAGE_CHARACTERS)} ...`;
}

/**
 * What is new since `before`, a line each, for logs and pipes: a percentage is said once per started quarter. What is
 * undone is undone from its end, and said in that order.
 */
export function progressLines(before: readonly Task[], now: readonly Task[]): readonly string[] {
  const known = new Map(before.map((task) => [task.name, task]));
  const news = now.flatMap((task, index) => {
    const was = known.get(task.name);
    if (was !== undefined && stamp(was) === stamp(task)) return [];
    if (was === undefined && task.state === TaskState.TASK_STATE_PENDING) return [];
    const place = `[${String(index + 1).padStart(String(now.length).length)}/${String(now.length)}]`;
    return [{ task, line: printable(`${place} ${describe(task)}${progressOf(task)}${endingOf(task)}`) }];
  });
  const undone = news.filter(({ task }) => isUndo(task));
  return [...news.filter(({ task }) => !isUndo(task)), ...undone.toReversed()].map(({ line }) => line);
}

const PERCENT_STEP = 25;

function stamp(task: Task): string {
  const quarter = task.state === TaskState.TASK_STATE_RUNNING ? Math.floor(task.percent / PERCENT_STEP) : 0;
  return `${String(task.state)} ${String(quarter)} ${String(task.attempts)}`;
}

function describe(task: Task): string {
  const again = task.attempts > 1 ? `, attempt ${String(task.attempts)}` : '';
  return `${isUndo(task) ? 'Undo: ' : ''}${titleOf(task)}${isActive(task.state) ? again : ''}`;
}

export function titleOf(task: Task): string {
  return task.title === '' ? task.name : task.title;
}

/** `, 41 %, 412 of 1024 MiB` while it runs. */
function progressOf(task: Task): string {
  if (!isActive(task.state)) return '';
  const percent = task.percent > 0 ? `, ${String(task.percent)} %` : '';
  return `${percent}${task.progress === '' ? '' : `, ${task.progress}`}`;
}

function endingOf(task: Task): string {
  switch (task.state) {
    case TaskState.TASK_STATE_DONE:
      return `: done${durationOf(task)}`;
    case TaskState.TASK_STATE_FAILED:
      return `: FAILED${durationOf(task)}${task.error === '' ? '' : `: ${task.error}`}`;
    case TaskState.TASK_STATE_UNDONE:
      return ': undone';
    case TaskState.TASK_STATE_RUNNING:
    case TaskState.TASK_STATE_UNDOING:
      return ' ...';
    case TaskState.TASK_STATE_PENDING:
    case TaskState.TASK_STATE_UNSPECIFIED:
      return ': waiting';
    default:
      return `: ${taskStateName(task.state)}`;
  }
}

export function durationOf(task: Task): string {
  if (task.startTime === undefined || task.endTime === undefined) return '';
  return ` (${formatDuration(Math.max(0, task.endTime.getTime() - task.startTime.getTime()))})`;
}

export function isActive(state: TaskState): boolean {
  return state === TaskState.TASK_STATE_RUNNING || state === TaskState.TASK_STATE_UNDOING;
}

export function isUndo(task: Task): boolean {
  return task.state === TaskState.TASK_STATE_UNDOING || task.state === TaskState.TASK_STATE_UNDONE;
}

export function isDone(task: Task): boolean {
  return task.state === TaskState.TASK_STATE_DONE;
}
