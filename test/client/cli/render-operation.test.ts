import t from 'tap';
import { progressLines } from '../../../client/cli/render-operation.ts';
import { TaskState } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { task } from '../fixtures.ts';

const { TASK_STATE_DONE, TASK_STATE_FAILED, TASK_STATE_PENDING, TASK_STATE_RUNNING, TASK_STATE_UNDONE } =
  TaskState;

t.test('tasks that only wait are not listed at first', async (t) => {
  const tasks = [task('place', TASK_STATE_RUNNING), task('seed', TASK_STATE_PENDING)];
  t.same(progressLines([], tasks), ['[1/2] Do place ...']);
});

t.test('an end is said with the time it took', async (t) => {
  const startTime = new Date(0);
  const endTime = new Date(1234);
  const done = task('place', TASK_STATE_DONE, { startTime, endTime });
  t.same(progressLines([task('place', TASK_STATE_RUNNING)], [done]), ['[1/1] Do place: done (1.2 s)']);
});

t.test('progress is said once for each quarter', async (t) => {
  const at = (percent: number) => [
    task('seed', TASK_STATE_RUNNING, { percent, progress: `${String(percent)} of 100` }),
  ];
  t.same(progressLines(at(0), at(24)), []);
  t.same(progressLines(at(24), at(25)), ['[1/1] Do seed, 25 %, 25 of 100 ...']);
});

t.test('what failed is said with its error, and what was undone as undone', async (t) => {
  const before = [task('place', TASK_STATE_DONE), task('seed', TASK_STATE_RUNNING)];
  const failed = [task('place', TASK_STATE_DONE), task('seed', TASK_STATE_FAILED, { error: 'disk full' })];
  t.same(progressLines(before, failed), ['[2/2] Do seed: FAILED: disk full']);
  const undone = [task('place', TASK_STATE_UNDONE), task('seed', TASK_STATE_UNDONE)];
  t.same(progressLines(failed, undone), ['[2/2] Undo: Do seed: undone', '[1/2] Undo: Do place: undone']);
});

t.test('another attempt is said', async (t) => {
  const again = [task('seed', TASK_STATE_RUNNING, { attempts: 2 })];
  t.same(progressLines([task('seed', TASK_STATE_RUNNING)], again), ['[1/1] Do seed, attempt 2 ...']);
});
