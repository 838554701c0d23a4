import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { keys, type DatabaseRecord } from '../../../control/model/records.ts';
import type { WorkflowEngine } from '../../../control/workflow/executor.ts';
import type { Step, WorkflowDefinition, WorkflowState } from '../../../control/workflow/workflow.ts';
import { assert, LockstepError } from '../../../daemon/sys/errors.ts';
import { engineOn, openStore, SAMPLE_STEPS, sampleDefinition, startSample, World } from './sample.ts';

/** A workflow of one step. */
function oneStep(step: Partial<Step<WorkflowState>>): WorkflowDefinition<WorkflowState> {
  const defaults = {
    name: 'only',
    title: () => 'Only',
    deadlineMs: 5000,
    attempts: 1,
    backoffMs: 1,
    do: async () => {},
  };
  return { type: 'failover', version: 1, steps: [{ ...defaults, ...step }] };
}

async function startOne(engine: WorkflowEngine, state: WorkflowState = {}): Promise<string> {
  const result = await engine.start('failover', 'databases/orders', state);
  assert(result.ok, 'no conflict');
  return result.id;
}

const unavailable = () =>
  new LockstepError('UNAVAILABLE', 'the host does not answer', { reason: 'HOST_SILENT' });

t.test('a workflow does its steps in order and keeps what they found out', async (t) => {
  const world = new World();
  const engine = engineOn(t, await openStore(t), [sampleDefinition(world)]);
  const snapshot = await engine.wait(await startSample(engine));
  t.match(snapshot.standing, { kind: 'finished', outcome: { kind: 'done' } });
  t.strictSame(world.calls, ['do make-volume', 'do attach', 'do publish', 'finished done']);
  t.strictSame(snapshot.state, { name: 'orders', volume: 'vol-orders', device: '/dev/vol-orders' });
  t.strictSame(
    snapshot.steps.map(({ title, state, attempts }) => ({ title, state, attempts })),
    SAMPLE_STEPS.map((name) => ({ title: `${name} of orders`, state: 'DONE', attempts: 1 })),
  );
});

for (const [index, failing] of SAMPLE_STEPS.entries())
  t.test(`a failure of ${failing} undoes it and what was done before it, backwards`, async (t) => {
    const world = new World();
    world.faults.set(`do ${failing}`, unavailable());
    const engine = engineOn(t, await openStore(t), [sampleDefinition(world)]);
    const snapshot = await engine.wait(await startSample(engine));
    const error = { code: 'UNAVAILABLE', reason: 'HOST_SILENT', message: 'the host does not answer' };
    const outcome = { kind: 'undone', step: failing, error };
    t.match(snapshot.standing, { kind: 'finished', outcome });
    t.strictSame(world.outcome, outcome);
    t.strictSame([...world.resources], []);
    const begun = SAMPLE_STEPS.slice(0, index + 1);
    t.strictSame(
      world.calls.filter((call) => call.startsWith('undo ')),
      begun.map((step) => `undo ${step}`).reverse(),
    );
  });

for (const stuck of SAMPLE_STEPS)
  t.test(`an undo of ${stuck} that fails stops there`, async (t) => {
    const world = new World();
    world.faults.set('do publish', unavailable());
    world.faults.set(`undo ${stuck}`, unavailable());
    const engine = engineOn(t, await openStore(t), [sampleDefinition(world)]);
    const { standing, steps } = await engine.wait(await startSample(engine));
    t.match(standing, { kind: 'finished', outcome: { kind: 'stuck', step: stuck } });
    t.equal(steps.find(({ name }) => name === stuck)?.state, 'FAILED');
    t.equal(world.calls.at(-2), `undo ${stuck}`);
    t.equal(world.outcome?.kind, 'stuck');
  });

t.test('a transient error is retried, and each attempt is in the log', async (t) => {
  const attempts: number[] = [];
  const definition = oneStep({
    attempts: 3,
    async do({ attempt }) {
      attempts.push(attempt);
      if (attempt < 3) throw unavailable();
    },
  });
  const engine = engineOn(t, await openStore(t), [definition]);
  const snapshot = await engine.wait(await startOne(engine));
  t.match(snapshot.standing, { outcome: { kind: 'done' } });
  t.strictSame(attempts, [1, 2, 3]);
  t.equal(snapshot.steps[0]?.attempts, 3);
});

for (const code of ['INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'ALREADY_EXISTS'] as const)
  t.test(`${code} is not retried`, async (t) => {
    let calls = 0;
    const definition = oneStep({
      attempts: 5,
      async do() {
        calls++;
        throw new LockstepError(code, 'no');
      },
    });
    const engine = engineOn(t, await openStore(t), [definition]);
    const { standing } = await engine.wait(await startOne(engine));
    t.match(standing, { outcome: { kind: 'undone', error: { code } } });
    t.equal(calls, 1);
  });

t.test('a step that overruns its deadline has failed, and may settle before it is undone', async (t) => {
  const calls: string[] = [];
  const definition = oneStep({
    deadlineMs: 30,
    attempts: 3,
    async do({ signal }) {
      calls.push('do');
      await sleep(60_000, undefined, { signal }).catch(() => undefined);
      await sleep(20);
      calls.push('settled');
    },
    async undo() {
      calls.push('undo');
    },
  });
  const engine = engineOn(t, await openStore(t), [definition]);
  const { standing } = await engine.wait(await startOne(engine));
  t.match(standing, {
    outcome: {
      kind: 'undone',
      error: { code: 'DEADLINE_EXCEEDED', message: 'step only was not done within 30 ms' },
    },
  });
  t.strictSame(calls, ['do', 'settled', 'undo']);
});

t.test('a step that ignores its signal is not waited for for ever', async (t) => {
  const definition = oneStep({ deadlineMs: 20, do: () => Promise.withResolvers<void>().promise });
  const engine = engineOn(t, await openStore(t), [definition], { settleMs: 20 });
  const { standing } = await engine.wait(await startOne(engine));
  t.match(standing, { outcome: { kind: 'undone', error: { code: 'DEADLINE_EXCEEDED' } } });
});

t.test('the deadline spans all attempts and tells the last error', async (t) => {
  let calls = 0;
  const definition = oneStep({
    // Long beside what a busy machine takes to write the log.
    deadlineMs: 1000,
    attempts: 1000,
    backoffMs: 400,
    async do() {
      calls++;
      throw unavailable();
    },
  });
  const engine = engineOn(t, await openStore(t), [definition]);
  const { standing } = await engine.wait(await startOne(engine));
  t.match(standing, {
    outcome: { error: { code: 'DEADLINE_EXCEEDED', message: /last error: the host does not answer/ } },
  });
  t.ok(calls >= 2 && calls <= 3, `${calls} calls`);
});

t.test("a step's broken assertion is its failure and is not repeated", async (t) => {
  const definition = oneStep({ attempts: 3, do: async () => assert(false, 'one is one') });
  const engine = engineOn(t, await openStore(t), [definition]);
  const { standing } = await engine.wait(await startOne(engine));
  t.match(standing, { outcome: { kind: 'undone', error: { reason: 'ASSERTION', message: 'one is one' } } });
});

t.test('the end is recorded again until that works', async (t) => {
  const world = new World();
  const fault = new Error('the store is busy');
  world.faults.set('finished done', fault);
  const engine = engineOn(t, await openStore(t), [sampleDefinition(world)]);
  const id = await startSample(engine);
  while (!world.calls.includes('finished done')) await sleep(5);
  t.equal((await engine.get(id))?.standing.kind, 'running');
  world.faults.clear();
  await engine.wait(id);
  t.strictSame(world.outcome, { kind: 'done' });
});

t.test('progress is seen while the step runs, and not after it', async (t) => {
  const gate = Promise.withResolvers<void>();
  let late: (() => void) | undefined;
  const definition = oneStep({
    async do(context) {
      context.progress('412 of 1024 MiB', 40);
      late = () => context.progress('1024 of 1024 MiB', 100);
      await gate.promise;
    },
  });
  const engine = engineOn(t, await openStore(t), [definition]);
  const heard: string[] = [];
  engine.watch((id) => heard.push(id));
  const id = await startOne(engine);
  while ((await engine.get(id))?.progress === undefined) await sleep(2);
  t.strictSame((await engine.get(id))?.progress, { step: 'only', text: '412 of 1024 MiB', percent: 40 });
  gate.resolve();
  t.equal((await engine.wait(id)).progress, undefined);
  const before = heard.length;
  late?.();
  t.equal(heard.length, before, 'a step that is over has nothing to say');
  t.ok(before >= 4 && heard.every((heardId) => heardId === id));
});

t.test("the workflow and the caller's records appear together or not at all", async (t) => {
  const store = await openStore(t);
  const engine = engineOn(t, store, [sampleDefinition(new World())]);
  const key = keys.database('orders');
  const claim = (id: string) =>
    engine.start(
      'create-database',
      'databases/orders',
      { name: 'orders' },
      {
        id,
        conditions: [{ key, absent: true }],
        mutations: [{ key, value: { id: 'orders', busyWith: id } }],
      },
    );
  t.strictSame(await claim('first'), { ok: true, id: 'first' });
  t.strictSame(await claim('second'), { ok: false, conflict: key });
  t.equal((await store.get<DatabaseRecord>(key))?.value.busyWith, 'first');
  t.equal(await engine.get('second'), undefined);
  await engine.wait('first');
});

t.test('workflows are listed by target, and those that finished can be left out', async (t) => {
  const gate = Promise.withResolvers<void>();
  const engine = engineOn(t, await openStore(t), [
    sampleDefinition(new World()),
    oneStep({ do: () => gate.promise }),
  ]);
  const finished = await startSample(engine);
  await engine.wait(finished);
  await engine.wait(await startSample(engine, 'other'));
  const open = await startOne(engine);
  const ids = async (filter: Parameters<WorkflowEngine['list']>[0]) =>
    (await engine.list(filter)).map(({ record }) => record.id);
  t.strictSame(await ids({ target: 'databases/orders' }), [finished, open]);
  t.strictSame(await ids({ unfinishedOnly: true }), [open]);
  t.equal((await engine.list()).length, 3);
  gate.resolve();
  await engine.wait(open);
});

t.test('wait gives up with its signal, and knows what does not exist', async (t) => {
  const gate = Promise.withResolvers<void>();
  const engine = engineOn(t, await openStore(t), [oneStep({ do: () => gate.promise })]);
  const id = await startOne(engine);
  await t.rejects(engine.wait(id, { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
  await t.rejects(engine.wait('nothing'), { code: 'NOT_FOUND' });
  gate.resolve();
  t.equal((await engine.wait(id)).standing.kind, 'finished');
});

t.test('close interrupts the steps, and the next daemon takes them up', async (t) => {
  const store = await openStore(t);
  let daemons = 0;
  const definition = oneStep({
    async do({ signal }) {
      if (++daemons === 1) await sleep(60_000, undefined, { signal });
      return { daemons };
    },
  });
  const first = engineOn(t, store, [definition]);
  const id = await startOne(first);
  while (daemons === 0) await sleep(2);
  await first.close();
  t.equal((await first.get(id))?.standing.kind, 'running', 'an interrupted step has not failed');
  await t.rejects(first.start('failover', 'databases/orders', {}), { code: 'UNAVAILABLE' });
  const second = engineOn(t, store, [definition]);
  await second.resumeAll();
  t.strictSame((await second.wait(id)).state, { daemons: 2 });
});

t.test('what answers after close is not written any more', async (t) => {
  const store = await openStore(t);
  const gate = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  const definition: WorkflowDefinition<WorkflowState> = {
    ...oneStep({}),
    finished() {
      running.resolve();
      return gate.promise;
    },
  };
  const engine = engineOn(t, store, [definition], { closeWaitMs: 20 });
  const id = await startOne(engine);
  await running.promise;
  await engine.close();
  const before = await store.list(keys.workflowLog(id));
  gate.resolve();
  await sleep(30);
  t.strictSame(await store.list(keys.workflowLog(id)), before);
});

t.test('a log of another version, or of a type that nobody knows, waits for a person', async (t) => {
  const store = await openStore(t);
  const record = { id: 'old', type: 'create-database', version: 0, target: 'databases/old', createTimeMs: 1 };
  await store.transact([], [{ key: keys.workflow('old'), value: { ...record, initialState: {} } }]);
  await store.transact(
    [],
    [{ key: keys.workflow('gone'), value: { ...record, id: 'gone', type: 'restore', initialState: {} } }],
  );
  const world = new World();
  const engine = engineOn(t, store, [sampleDefinition(world)]);
  await engine.resumeAll();
  await t.rejects(engine.wait('old'), {
    code: 'FAILED_PRECONDITION',
    message: /version 0 .* runs version 1/,
  });
  await t.rejects(engine.wait('gone'), {
    code: 'FAILED_PRECONDITION',
    message: /no workflow of type restore/,
  });
  t.strictSame(world.calls, []);
});

t.test('poisoned logs and a hanging step do not keep the others from running', async (t) => {
  const store = await openStore(t);
  const record = (id: string, type: string) => ({
    key: keys.workflow(id),
    value: { id, type, version: 1, target: `databases/${id}`, createTimeMs: 1, initialState: { name: id } },
  });
  const entry = (step: string) => ({ kind: 'step-done', step, timeMs: 1, patch: {} });
  await store.transact(
    [],
    [
      record('a-illegal', 'create-database'),
      { key: keys.workflowLogEntry('a-illegal', 0), value: entry('make-volume') },
      record('b-garbage', 'create-database'),
      { key: keys.workflowLogEntry('b-garbage', 0), value: { kind: 'step-started', step: 7 } },
      record('c-gap', 'create-database'),
      {
        key: keys.workflowLogEntry('c-gap', 1),
        value: { kind: 'step-started', step: 'make-volume', timeMs: 1 },
      },
      { key: keys.workflow('d-record'), value: 'garbage' },
      record('e-hangs', 'failover'),
      record('f-well', 'create-database'),
    ],
  );
  const world = new World();
  const gate = Promise.withResolvers<void>();
  const engine = engineOn(t, store, [sampleDefinition(world), oneStep({ do: () => gate.promise })]);
  await engine.resumeAll();
  t.match((await engine.wait('f-well')).standing, { kind: 'finished', outcome: { kind: 'done' } });
  const reasons = {
    'a-illegal': /not legal now/,
    'b-garbage': /not a log entry/,
    'c-gap': /0001 where .*0000 should/,
  };
  for (const [id, reason] of Object.entries(reasons)) {
    await t.rejects(engine.wait(id), { code: 'FAILED_PRECONDITION', reason: 'WORKFLOW_HALTED' });
    t.match((await engine.get(id))?.standing, { kind: 'halted', reason });
  }
  t.strictSame([...world.resources].sort(), ['attach/f-well', 'make-volume/f-well', 'publish/f-well']);
  t.equal((await engine.get('e-hangs'))?.standing.kind, 'running');
  gate.resolve();
  await engine.wait('e-hangs');
});

t.test('of two daemons that run one workflow, the slower one stops', async (t) => {
  const store = await openStore(t);
  const gate = Promise.withResolvers<void>();
  const hanging = oneStep({ do: () => gate.promise });
  const first = engineOn(t, store, [hanging]);
  const id = await startOne(first);
  while ((await store.list(keys.workflowLog(id))).length === 0) await sleep(2);
  const second = engineOn(t, store, [oneStep({})]);
  await second.resumeAll();
  await second.wait(id);
  const ended = first.wait(id);
  gate.resolve();
  t.match((await ended).standing, { kind: 'finished', outcome: { kind: 'done' } }, "the other's end counts");
  const finishes = (await store.list<{ kind: string }>(keys.workflowLog(id))).filter(
    (e) => e.value.kind === 'finished',
  );
  t.equal(finishes.length, 1);
});
