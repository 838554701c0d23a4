import t, { type Test } from 'tap';
import { keys } from '../../../control/model/records.ts';
import type { ControlStore } from '../../../control/store/store.ts';
import { RETENTION, Retention, surplusOf } from '../../../control/workflow/retention.ts';
import type { LogEntry, WorkflowRecord } from '../../../control/workflow/workflow.ts';
import { openStore, silent } from './sample.ts';

function record(id: string, createTimeMs: number, change: Partial<WorkflowRecord> = {}): WorkflowRecord {
  const about = { type: 'reseed', target: 'databases/orders' };
  return { id, version: 1, createTimeMs, initialState: {}, ...about, ...change };
}

const idsOf = (records: readonly WorkflowRecord[]): readonly string[] => records.map(({ id }) => id);
const STARTED: LogEntry = { kind: 'step-started', step: 'seed', timeMs: 1 };
const FINISHED: LogEntry = { kind: 'finished', timeMs: 2, outcome: { kind: 'done' } };

async function put(
  store: ControlStore,
  workflow: WorkflowRecord,
  log: readonly LogEntry[] = [STARTED, FINISHED],
): Promise<void> {
  const { id } = workflow;
  const request = { workflow: id, fingerprint: '' };
  await store.transact(
    [],
    [
      { key: keys.workflow(id), value: workflow },
      { key: keys.request(`request-of-${id}`), value: request },
      ...log.map((value, sequence) => ({ key: keys.workflowLogEntry(id, sequence), value })),
    ],
  );
}

async function keysIn(t: Test, store: ControlStore, ids: readonly string[]): Promise<void> {
  const found = (await store.list('')).map(({ key }) => key).filter((key) => !key.startsWith('databases/'));
  const expected = ids.flatMap((id) => [
    keys.workflow(id),
    keys.request(`request-of-${id}`),
    keys.workflowLogEntry(id, 0),
    keys.workflowLogEntry(id, 1),
  ]);
  t.same(found, expected.sort());
}

const limits = { ...RETENTION, perTarget: 2 };

t.test('of each type and target the newest are kept', async (t) => {
  const create = record('create', 1, { type: 'create-database' });
  const other = record('other', 2, { target: 'databases/other' });
  const reseeds = [record('first', 3), record('second', 4), record('third', 5)];
  const surplus = surplusOf([create, other, ...reseeds], { perTarget: 1, inAll: 100 });
  t.same(idsOf(surplus), ['first', 'second'], 'the oldest first, and neither the create nor the other');
});

t.test('of all of them the newest are kept, whatever their targets', async (t) => {
  const each = [1, 2, 3, 4].map((n) => record(`w${String(n)}`, n, { target: `databases/d${String(n)}` }));
  t.same(idsOf(surplusOf(each, { perTarget: 5, inAll: 3 })), ['w1']);
});

t.test('an old workflow goes with its log and its request, and nothing else goes', async (t) => {
  const store = await openStore(t);
  for (const [index, id] of ['a', 'b', 'c'].entries()) await put(store, record(id, index));
  t.equal(await new Retention(store, silent, limits).prune(), 1);
  await keysIn(t, store, ['b', 'c']);
  t.equal(await new Retention(store, silent, limits).prune(), 0);
});

t.test('the newest are those that were begun last, whatever the clock said', async (t) => {
  const store = await openStore(t);
  for (const [index, id] of ['a', 'b', 'c'].entries()) await put(store, record(id, 1000 - index));
  t.equal(await new Retention(store, silent, limits).prune(), 1);
  await keysIn(t, store, ['b', 'c']);
});

t.test('one that is stuck stays until others have worked on its database', async (t) => {
  const store = await openStore(t);
  const error = { code: 'UNAVAILABLE', reason: '', message: 'gone' };
  const stuck: readonly LogEntry[] = [
    { kind: 'undo-failed', step: 'seed', timeMs: 1, error },
    { kind: 'finished', timeMs: 2, outcome: { kind: 'stuck', step: 'seed', error } },
  ];
  const on = (volume: string) => ({ target: `databases/${volume}`, initialState: { volume } });
  const named = (volume: string) => ({ key: keys.database(volume), value: { busyWith: '', volume } });
  await store.transact([], [named('orders'), named('bills')]);
  await put(store, record('a-stuck', 1, on('orders')), stuck);
  await put(store, record('b-stuck', 2, on('bills')), stuck);
  t.equal(await new Retention(store, silent, { ...limits, inAll: 0 }).prune(), 0);
  await put(store, record('c', 3, on('orders')));
  t.equal(await new Retention(store, silent, { ...limits, inAll: 1 }).prune(), 1);
  await keysIn(t, store, ['b-stuck', 'c']);
});

t.test('one that holds a host stays', async (t) => {
  const store = await openStore(t);
  await put(store, record('a-drains', 1, { type: 'drain-host', target: 'hosts/a' }));
  await store.transact([], [{ key: keys.hostAdmin('a'), value: { busyWith: 'a-drains' } }]);
  t.equal(await new Retention(store, silent, { ...limits, inAll: 0 }).prune(), 0);
});

t.test('one that has not finished, or that holds a database, stays and does not count', async (t) => {
  const store = await openStore(t);
  await put(store, record('a-runs', 1), [STARTED, STARTED]);
  await put(store, record('b-holds', 2));
  await store.transact([], [{ key: keys.database('orders'), value: { busyWith: 'b-holds' } }]);
  for (const id of ['c', 'd', 'e']) await put(store, record(id, id.charCodeAt(0)));
  t.equal(await new Retention(store, silent, limits).prune(), 1);
  await keysIn(t, store, ['a-runs', 'b-holds', 'd', 'e']);
});

t.test('a round removes no more than its share, and rounds come by themselves', async (t) => {
  const store = await openStore(t);
  for (const [index, id] of ['a', 'b', 'c', 'd', 'e'].entries()) await put(store, record(id, index));
  const retention = new Retention(store, silent, { ...limits, perRound: 2, everyMs: 5 });
  t.equal(await retention.prune(), 2);
  retention.start();
  await new Promise<void>((resolve) => {
    const stop = store.watch(keys.workflow('c'), () => {
      stop();
      resolve();
    });
  });
  await retention.close();
  await keysIn(t, store, ['d', 'e']);
});
