/** The list that redraws itself, on a stream that says it is a terminal. */
import t from 'tap';
import { showProgress } from '../../../client/cli/progress.ts';
import { operationOf } from '../../../client/operations.ts';
import { type Task, TaskState } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { rawOperation, task } from '../fixtures.ts';

const { TASK_STATE_DONE, TASK_STATE_FAILED, TASK_STATE_PENDING, TASK_STATE_RUNNING, TASK_STATE_UNDONE } =
  TaskState;
const operation = (tasks: Task[]) => operationOf(rawOperation(tasks));

/** What a person has on the screen at the end: the last drawing, without its escapes. */
async function lastScreen(
  t: { teardown(work: () => void): void },
  states: readonly Task[][],
): Promise<string> {
  const written: string[] = [];
  const { stdout } = process;
  const before = { write: stdout.write.bind(stdout), isTTY: stdout.isTTY, columns: stdout.columns };
  const restore = (): void => {
    Object.assign(stdout, before);
  };
  t.teardown(restore);
  const write = (text: string | Uint8Array): boolean => {
    written.push(String(text));
    return true;
  };
  Object.assign(stdout, { write, isTTY: true, columns: 80 });
  const progress = showProgress(stdout);
  for (const tasks of states) progress.update(operation(tasks));
  await progress.end();
  restore();

  return written.join('').replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
}

t.test('an operation that ended between two looks is shown to its end', async (t) => {
  const done = ['a', 'b', 'c', 'd'].map((name) => task(name, TASK_STATE_DONE));
  const running = [
    task('a', TASK_STATE_RUNNING),
    ...['b', 'c', 'd'].map((name) => task(name, TASK_STATE_PENDING)),
  ];
  const screen = await lastScreen(t, [running, done]);
  t.match(screen, /✔ Do d/);
  t.notMatch(screen, /✖/);
});

t.test('a task that failed is shown with its error, and those behind it as not begun', async (t) => {
  const failed = [
    task('a', TASK_STATE_DONE),
    task('b', TASK_STATE_FAILED, { error: 'disk full' }),
    task('c', TASK_STATE_PENDING),
  ];
  t.match(await lastScreen(t, [failed]), /✖ Do b: disk full/);
});

t.test('what is undone follows as lines', async (t) => {
  const failed = [task('a', TASK_STATE_DONE), task('b', TASK_STATE_FAILED)];
  const undone = [task('a', TASK_STATE_UNDONE), task('b', TASK_STATE_UNDONE)];
  await t.resolves(lastScreen(t, [failed, undone]));
});

t.test('a wait that is given up ends the drawing', async (t) => {
  await t.resolves(lastScreen(t, [[task('a', TASK_STATE_RUNNING), task('b', TASK_STATE_PENDING)]]));
});
