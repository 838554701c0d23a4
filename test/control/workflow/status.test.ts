import fc from 'fast-check';
import t from 'tap';
import { statusOf, type StatusResult, type WorkflowStatus } from '../../../control/workflow/status.ts';
import type { LogEntry, SerializedError } from '../../../control/workflow/workflow.ts';

const STEPS = ['a', 'b', 'c'];
const timeMs = 1000;
const error: SerializedError = { code: 'UNAVAILABLE', reason: 'X', message: 'it broke' };
const started = (step: string): LogEntry => ({ kind: 'step-started', step, timeMs });
const done = (step: string, patch = {}): LogEntry => ({ kind: 'step-done', step, timeMs, patch });
const failed = (step: string): LogEntry => ({ kind: 'step-failed', step, timeMs, error });
const undoing = (step: string): LogEntry => ({ kind: 'undo-started', step, timeMs });
const undone = (step: string): LogEntry => ({ kind: 'undo-done', step, timeMs });
const undoFailed = (step: string): LogEntry => ({ kind: 'undo-failed', step, timeMs, error });

const read = (...entries: LogEntry[]): StatusResult => statusOf(STEPS, { start: 1 }, entries);
const readOk = (...entries: LogEntry[]): WorkflowStatus => {
  const result = read(...entries);
  if (!result.ok) throw new Error(result.reason);
  return result.status;
};
const states = (status: WorkflowStatus) => status.steps.map(({ state }) => state);

t.test('an empty log begins with the first step', async (t) => {
  const status = readOk();
  t.strictSame(status.next, { kind: 'do', step: 'a', state: { start: 1 } });
  t.strictSame(states(status), ['PENDING', 'PENDING', 'PENDING']);
});

t.test('a step that started and whose end is not there is done again', async (t) => {
  const status = readOk(started('a'), done('a', { a: 1 }), started('b'), started('b'));
  t.strictSame(status.next, { kind: 'do', step: 'b', state: { start: 1, a: 1 } });
  t.strictSame(states(status), ['DONE', 'RUNNING', 'PENDING']);
  t.equal(status.steps[1]?.attempts, 2);
});

t.test('patches are merged in order and the last step done finishes', async (t) => {
  const log = [started('a'), done('a', { x: 1, y: 1 }), started('b'), done('b', { y: 2 })];
  const status = readOk(...log, started('c'), done('c'));
  t.strictSame(status.state, { start: 1, x: 1, y: 2 });
  t.strictSame(status.next, { kind: 'finish', outcome: { kind: 'done' } });
});

t.test(
  'a step that failed is undone first, with the state before it; the one before with its own',
  async (t) => {
    const log = [started('a'), done('a', { a: 1 }), started('b'), failed('b')];
    t.strictSame(readOk(...log).next, { kind: 'undo', step: 'b', state: { start: 1, a: 1 } });
    const further = [...log, undoing('b'), undone('b')];
    t.strictSame(readOk(...further).next, { kind: 'undo', step: 'a', state: { start: 1, a: 1 } });
    t.strictSame(states(readOk(...further, undoing('a'))), ['UNDOING', 'UNDONE', 'PENDING']);
  },
);

t.test('the undo of a step that was done does not see what later steps added', async (t) => {
  const log = [
    started('a'),
    done('a', { a: 1 }),
    started('b'),
    done('b', { b: 1 }),
    started('c'),
    failed('c'),
  ];
  const status = readOk(...log, undoing('c'), undone('c'), undoing('b'), undone('b'));
  t.strictSame(status.next, { kind: 'undo', step: 'a', state: { start: 1, a: 1 } });
});

t.test('everything undone names the step that failed', async (t) => {
  const log = [started('a'), failed('a'), undoing('a'), undone('a')];
  const outcome = { kind: 'undone', step: 'a', error } as const;
  t.strictSame(readOk(...log).next, { kind: 'finish', outcome });
  const finished = readOk(...log, { kind: 'finished', timeMs: 2000, outcome });
  t.strictSame(finished.next, { kind: 'none', outcome });
  t.equal(finished.finishTimeMs, 2000);
});

t.test('an undo that fails stops there', async (t) => {
  const log = [started('a'), done('a'), started('b'), failed('b'), undoing('b'), undoFailed('b')];
  const status = readOk(...log);
  t.strictSame(status.next, { kind: 'finish', outcome: { kind: 'stuck', step: 'b', error } });
  t.strictSame(states(status), ['DONE', 'FAILED', 'PENDING']);
});

const refused: readonly (readonly [string, RegExp, readonly LogEntry[]])[] = [
  ['a step done that never started', /entry 0, step-done a: not legal now; legal: step-started/, [done('a')]],
  ['a step that is not in the definition', /the definition has no such step/, [started('z')]],
  ['a step out of turn', /entry 0, step-started b: it is the turn of a/, [started('b')]],
  ['an end of another step', /it is the turn of a/, [started('a'), done('b')]],
  ['a step done twice', /step-done a: not legal now/, [started('a'), done('a'), done('a')]],
  ['a do after a failure', /legal: undo-started/, [started('a'), failed('a'), started('a')]],
  ['an undo while going forward', /undo-started a: not legal/, [started('a'), undoing('a')]],
  [
    'a finish before the last step',
    /finished as done: not legal now/,
    [started('a'), done('a'), { kind: 'finished', timeMs, outcome: { kind: 'done' } }],
  ],
  [
    'a finish that contradicts the entries',
    /finished as done: the entries before it lead to undone at a/,
    [
      started('a'),
      failed('a'),
      undoing('a'),
      undone('a'),
      { kind: 'finished', timeMs, outcome: { kind: 'done' } },
    ],
  ],
];
for (const [what, reason, log] of refused)
  t.test(`refused: ${what}`, async (t) => {
    const result = read(...log);
    t.equal(result.ok, false);
    t.match(result.ok ? '' : result.reason, reason);
  });

t.test('nothing follows the end', async (t) => {
  const end: LogEntry = { kind: 'finished', timeMs, outcome: { kind: 'done' } };
  t.equal(statusOf([], {}, [end]).ok, true);
  t.match(statusOf([], {}, [end, end]), { ok: false, reason: /the workflow has finished/ });
});

/** Plays an executor whose luck is the list of numbers; when it runs out, everything succeeds. */
function play(stepNames: readonly string[], luck: readonly number[]): LogEntry[] {
  const log: LogEntry[] = [];
  const dice = [...luck];
  const roll = (): number => dice.shift() ?? 9;
  for (;;) {
    const result = statusOf(stepNames, {}, log);
    if (!result.ok) throw new Error(`refused its own log: ${result.reason}`);
    const { next } = result.status;
    if (next.kind === 'none') return log;
    if (next.kind === 'finish') {
      log.push({ kind: 'finished', timeMs, outcome: next.outcome });
      continue;
    }
    log.push(next.kind === 'do' ? started(next.step) : undoing(next.step));
    const fate = roll();
    if (fate < 3) continue; // The daemon died here, or tried again.
    if (next.kind === 'do') log.push(fate < 5 ? failed(next.step) : done(next.step, { [next.step]: fate }));
    else log.push(fate < 4 ? undoFailed(next.step) : undone(next.step));
  }
}

const stepNames = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 6 });
const luck = fc.array(fc.nat({ max: 9 }), { maxLength: 60 });

const retried: LogEntry = { kind: 'retried', timeMs };
const abandoned: LogEntry = { kind: 'abandoned', timeMs, reason: 'it broke' };
const outcome = { kind: 'stuck', step: 'b', error } as const;
const stuckLog: readonly LogEntry[] = [
  started('a'),
  done('a', { a: 1 }),
  started('b'),
  failed('b'),
  undoing('b'),
  undoFailed('b'),
  { kind: 'finished', timeMs, outcome },
];

t.test(
  'a stuck one that is tried again begins with the undo that failed, and can be undone to its end',
  async (t) => {
    const again = [...stuckLog, retried];
    t.strictSame(readOk(...again).next, { kind: 'undo', step: 'b', state: { start: 1, a: 1 } });
    t.equal(readOk(...again).finishTimeMs, undefined);
    t.equal(readOk(...again, undoing('b')).steps[1]?.undoAttempts, 2);
    const undoneLog = [...again, undoing('b'), undone('b'), undoing('a'), undone('a')];
    t.strictSame(readOk(...undoneLog).next, {
      kind: 'finish',
      outcome: { kind: 'undone', step: 'b', error },
    });
    t.strictSame(readOk(...again, undoing('b'), undoFailed('b')).next, { kind: 'finish', outcome });
  },
);

t.test('the error of an undo that worked in the end is told no more', async (t) => {
  const other = { ...error, message: 'busy' };
  const log: LogEntry[] = [
    ...stuckLog.slice(0, 4),
    undoing('b'),
    undone('b'),
    undoing('a'),
    { kind: 'undo-failed', step: 'a', timeMs, error: other },
    { kind: 'finished', timeMs, outcome: { kind: 'stuck', step: 'a', error: other } },
    retried,
  ];
  t.strictSame(readOk(...log).steps[0]?.error, other);
  t.equal(readOk(...log, undoing('a'), undone('a')).steps[0]?.error, undefined);
});

t.test('only a stuck one is tried again, and what a person ended goes on no more', async (t) => {
  t.notOk(read(retried).ok);
  t.notOk(read(started('a'), failed('a'), retried).ok);
  t.notOk(read(...stuckLog, retried, retried).ok);
  t.notOk(read(...stuckLog, abandoned, retried).ok);
  t.notOk(read(...stuckLog, abandoned, abandoned).ok);
  t.notOk(read(...stuckLog, undoing('b')).ok, 'nor without a person');
});

for (let length = 0; length <= stuckLog.length; length++)
  t.test(`a log of ${String(length)} entries can be abandoned, with its steps as they are`, async (t) => {
    const before = stuckLog.slice(0, length);
    const status = readOk(...before, abandoned);
    t.strictSame(status.next, { kind: 'none', outcome: { kind: 'abandoned', reason: 'it broke' } });
    t.strictSame(states(status), states(readOk(...before)));
    t.equal(status.finishTimeMs, timeMs);
  });

t.test('every legal history ends, and never does a step once an undo began', async (t) => {
  fc.assert(
    fc.property(stepNames, luck, (names, luck) => {
      const log = play(names, luck);
      const firstUndo = log.findIndex((entry) => entry.kind === 'undo-started');
      const lastDo = log.findLastIndex((entry) => entry.kind === 'step-started');
      if (firstUndo >= 0 && lastDo > firstUndo) throw new Error('a do after an undo');
      const undos = log.flatMap((entry) => (entry.kind === 'undo-done' ? [entry.step] : []));
      const dos = log.flatMap((entry) => (entry.kind === 'step-done' ? [entry.step] : []));
      const failure = log.find((entry) => entry.kind === 'step-failed');
      const end = log.at(-1);
      if (end?.kind !== 'finished') throw new Error('no end');
      if (end.outcome.kind === 'done' && (failure !== undefined || dos.length !== names.length))
        throw new Error('done, but not everything is');
      if (end.outcome.kind === 'undone') {
        const toUndo = [...dos, failure?.kind === 'step-failed' ? failure.step : ''].reverse();
        if (toUndo.join() !== undos.join()) throw new Error(`undone ${undos.join()}, not ${toUndo.join()}`);
      }
    }),
  );
  t.pass('it does');
});

t.test('a crash leaves a prefix of the log, and every prefix is read', async (t) => {
  fc.assert(
    fc.property(stepNames, luck, fc.nat(), (names, luck, cut) => {
      const log = play(names, luck);
      return statusOf(names, {}, log.slice(0, cut % (log.length + 1))).ok;
    }),
  );
  t.pass('it is');
});

t.test('any heap of entries is read or refused with a reason, never a crash', async (t) => {
  const step = fc.constantFrom(...STEPS, 'z');
  const entry = fc.oneof(
    ...[started, done, failed, undoing, undone, undoFailed].map((make) => step.map((name) => make(name))),
    fc
      .constantFrom('undone' as const, 'stuck' as const)
      .map((kind): LogEntry => ({ kind: 'finished', timeMs, outcome: { kind, step: 'a', error } })),
    fc.constantFrom(retried, abandoned),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 12 }), (log) => {
      const result = statusOf(STEPS, {}, log);
      return result.ok || result.reason.startsWith('log entry ');
    }),
  );
  t.pass('it is');
});
