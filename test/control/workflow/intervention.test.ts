/** What a person does about a workflow that waits for one: Retry and Abandon, over a real store. */
import t, { type Test } from 'tap';
import { type DatabaseRecord, type EventRecord, hostAdmin, keys } from '../../../control/model/records.ts';
import { Repository } from '../../../control/repository.ts';
import type { ControlStore } from '../../../control/store/store.ts';
import type { WorkflowEngine } from '../../../control/workflow/executor.ts';
import {
  abandonWorkflow,
  type InterventionParts,
  retryWorkflow,
} from '../../../control/workflow/intervention.ts';
import { MAX_LOG_ENTRIES } from '../../../control/workflow/log.ts';
import { RETENTION, Retention } from '../../../control/workflow/retention.ts';
import { refusal } from '../../support/control-harness.ts';
import { database } from '../../support/control-records.ts';
import { engineOn, openStore, sampleDefinition, silent, World } from './sample.ts';

interface Scene extends InterventionParts {
  readonly store: ControlStore;
  readonly world: World;
  readonly engine: WorkflowEngine;
}

async function scene(t: Test): Promise<Scene> {
  const store = await openStore(t);
  const world = new World();
  const engine = engineOn(t, store, [sampleDefinition(world)]);
  return { store, world, engine, repository: new Repository(store, Date.now), wallClock: Date.now };
}

/** Starts the sample on a database that it holds, until it has ended. */
async function run({ store, engine }: Scene, version = 1): Promise<string> {
  const id = `create-orders-${String(version)}`;
  const record: DatabaseRecord = { ...database, lifecycle: 'creating', busyWith: id };
  const options = { id, mutations: [{ key: keys.database('orders'), value: record }] };
  const state = { name: 'orders', volume: database.volume };
  const result = await engine.start('create-database', 'databases/orders', state, options);
  if (!result.ok) throw new Error(result.conflict);
  await engine.wait(id).catch(() => undefined);
  await store.transact([], []);
  return id;
}

/** An undo failed. */
async function stuck(t: Test): Promise<Scene & { readonly id: string }> {
  const made = await scene(t);
  made.world.faults.set('do publish', new Error('no room'));
  made.world.faults.set('undo attach', new Error('busy'));
  const id = await run(made);
  t.match(await made.engine.get(id), { standing: { outcome: { kind: 'stuck', step: 'attach' } } });
  return { ...made, id };
}

const orders = async ({ store }: Scene): Promise<DatabaseRecord | undefined> =>
  (await store.get<DatabaseRecord>(keys.database('orders')))?.value;

t.test(
  'a stuck one that is tried again undoes the rest, and is tried again as often as it takes',
  async (t) => {
    const made = await stuck(t);
    t.match(await retryWorkflow(made, made.id), { record: { id: made.id } });
    await made.engine.wait(made.id);
    t.match(await made.engine.get(made.id), { standing: { outcome: { kind: 'stuck' } } }, 'it fails again');
    made.world.faults.clear();
    await retryWorkflow(made, made.id);
    const ended = await made.engine.wait(made.id);
    t.match(ended.standing, { outcome: { kind: 'undone', step: 'publish' } });
    t.same([...made.world.resources], []);
    t.same(made.world.outcome?.kind, 'undone', 'its definition was told the new end');
    const events = await made.store.list<EventRecord>(keys.events('orders'));
    t.same(
      events.map((entry) => entry.value.reason),
      ['WORKFLOW_RETRIED', 'WORKFLOW_RETRIED'],
    );
  },
);

t.test('what it ends with is told after each retry, and once where its hook runs twice', async (t) => {
  const made = await stuck(t);
  await made.engine.close();
  const sample = sampleDefinition(made.world);
  const tell = (): Promise<unknown> =>
    made.repository.updateDatabase('orders', (record) => ({ ...record, busyWith: '' }), [
      { reason: 'CREATE_FAILED', message: 'the same', generation: 1, workflow: made.id },
    ]);
  await tell();
  const finished = async (): Promise<void> => {
    await tell();
    await tell();
  };
  const engine = engineOn(t, made.store, [{ ...sample, finished }]);
  const again = { ...made, engine };
  await retryWorkflow(again, made.id);
  await engine.wait(made.id);
  made.world.faults.clear();
  await retryWorkflow(again, made.id);
  t.match(await engine.wait(made.id), { standing: { outcome: { kind: 'undone' } } });
  const events = await made.store.list<EventRecord>(keys.events('orders'));
  t.same(
    events.map(({ value }) => value.reason),
    ['CREATE_FAILED', 'WORKFLOW_RETRIED', 'CREATE_FAILED', 'WORKFLOW_RETRIED', 'CREATE_FAILED'],
  );
  t.ok(events.every(({ value }) => value.workflow === made.id));
});

t.test('a daemon that dies after Retry goes on with it', async (t) => {
  const made = await stuck(t);
  made.world.faults.clear();
  await made.engine.close();
  const ignorant = { ...made, engine: engineOn(t, made.store, []) };
  t.match(await refusal(retryWorkflow(ignorant, made.id)), { reason: 'WORKFLOW_CANNOT_GO_ON' });
  const entries = (await made.store.list(keys.workflowLog(made.id))).length;
  const retried = { kind: 'retried', timeMs: 1 };
  await made.store.transact([], [{ key: keys.workflowLogEntry(made.id, entries), value: retried }]);
  const next = engineOn(t, made.store, [sampleDefinition(made.world)]);
  await next.resumeAll();
  t.match(await next.wait(made.id), { standing: { outcome: { kind: 'undone' } } });
});

t.test('what was let go is held again while it goes on, unless another one holds it', async (t) => {
  const made = await stuck(t);
  const key = keys.database('orders');
  const put = (value: DatabaseRecord) => made.store.transact([], [{ key, value }]);
  await put({ ...database, busyWith: 'delete-orders-1' });
  t.match(await refusal(retryWorkflow(made, made.id)), { code: 'ABORTED', reason: 'DATABASE_BUSY' });
  await put({ ...database, volume: 'orders-2' });
  t.match(await refusal(retryWorkflow(made, made.id)), { reason: 'TARGET_GONE' });
  await put({ ...database, busyWith: '' });
  made.world.faults.clear();
  // Under the name that the database has by now, and of a time that says nothing.
  const initialState = { volume: database.volume };
  const later = { ...recordOfOther, target: 'databases/sales', createTimeMs: 1, initialState };
  await made.store.transact([], [{ key: keys.workflow('other'), value: later }]);
  const overtaken = await refusal(retryWorkflow(made, made.id));
  t.match(overtaken, { reason: 'WORKFLOW_OVERTAKEN', metadata: { next: /abandon/ } });
  await made.store.transact([], [{ key: keys.workflow('other'), value: recordOfOther }]);
  await retryWorkflow(made, made.id);
  t.equal((await orders(made))?.busyWith, made.id);
});

t.test('one that has ended is neither tried again nor abandoned', async (t) => {
  const made = await scene(t);
  const id = await run(made);
  t.match(await refusal(retryWorkflow(made, id)), { reason: 'WORKFLOW_ENDED' });
  const abandon = abandonWorkflow(made, id, { acceptHalfDone: true });
  t.match(await refusal(abandon), { reason: 'WORKFLOW_ENDED' });
  t.match(await refusal(retryWorkflow(made, 'nothing')), { code: 'NOT_FOUND' });
});

t.test('abandon is asked for in words, ends a stuck one and says so in the database', async (t) => {
  const made = await stuck(t);
  const asked = abandonWorkflow(made, made.id, { acceptHalfDone: false });
  t.match(await refusal(asked), { violations: [{ field: 'accept_half_done' }] });
  const ended = await abandonWorkflow(made, made.id, { acceptHalfDone: true });
  t.match(ended.standing, { kind: 'finished', outcome: { kind: 'abandoned', reason: /busy/ } });
  t.match(await orders(made), {
    lifecycle: 'failed',
    failure: /ended half done.*undoing step attach failed: busy/,
  });
  t.match(await refusal(retryWorkflow(made, made.id)), { reason: 'WORKFLOW_ENDED' });
  const again = await abandonWorkflow(made, made.id, { acceptHalfDone: true });
  t.same(again.standing, ended.standing, 'once');
});

t.test('a host is held again while what is stuck on it goes on, and let go when that is ended', async (t) => {
  const made = await scene(t);
  made.world.faults.set('do publish', new Error('no room'));
  made.world.faults.set('undo attach', new Error('busy'));
  const key = keys.hostAdmin('host-a');
  const started = await made.engine.start('create-database', 'hosts/host-a', { name: 'host-a' });
  if (!started.ok) throw new Error(started.conflict);
  await made.engine.wait(started.id);
  await made.store.transact([], [{ key, value: { ...hostAdmin('host-a'), cordoned: true } }]);
  await retryWorkflow(made, started.id);
  t.match(await made.store.get(key), { value: { busyWith: started.id, cordoned: true } });
  await made.engine.wait(started.id);
  await abandonWorkflow(made, started.id, { acceptHalfDone: true });
  t.match(await made.store.get(key), { value: { busyWith: '', cordoned: true } });
});

t.test(
  'an archive is let go when what works on it is ended, so that it is purged all the same',
  async (t) => {
    const made = await stuck(t);
    const key = keys.archive('orders-1');
    await made.store.transact(
      [],
      [{ key, value: { volume: 'orders-1', isRemoved: true, busyWith: made.id } }],
    );
    await abandonWorkflow(made, made.id, { acceptHalfDone: true });
    t.match(await made.store.get(key), { value: { isRemoved: true, busyWith: '' } });
  },
);

/** Each makes a log that no daemon goes on with. */
const POISONS: Readonly<Record<string, (made: Scene, id: string) => Promise<unknown>>> = {
  'of another version': async ({ store }, id) => {
    const record = (await store.get<object>(keys.workflow(id)))?.value;
    return store.transact([], [{ key: keys.workflow(id), value: { ...record, version: 9 } }]);
  },
  'of an unknown type': async ({ store }, id) => {
    const record = (await store.get<object>(keys.workflow(id)))?.value;
    return store.transact([], [{ key: keys.workflow(id), value: { ...record, type: 'dance' } }]);
  },
  'that breaks the table': ({ store }, id) =>
    store.transact(
      [],
      [{ key: keys.workflowLogEntry(id, 1), value: { kind: 'undo-done', step: 'x', timeMs: 1 } }],
    ),
  'that is no log': ({ store }, id) =>
    store.transact([], [{ key: keys.workflowLogEntry(id, 1), value: 'dust' }]),
  'with a gap': ({ store }, id) => store.transact([], [{ key: keys.workflowLogEntry(id, 0), deleted: true }]),
  'that is full': async ({ store }, id) => {
    const value = { kind: 'step-started', step: 'make-volume', timeMs: 1 };
    const all = Array.from({ length: MAX_LOG_ENTRIES }, (_, n) => ({
      key: keys.workflowLogEntry(id, n),
      value,
    }));
    return store.transact([], all);
  },
  'whose record cannot be read': ({ store }, id) =>
    store.transact([], [{ key: keys.workflow(id), value: 'dust' }]),
};

for (const [name, poison] of Object.entries(POISONS))
  t.test(`a log ${name} stops no other, is not tried again, and can be abandoned`, async (t) => {
    const made = await scene(t);
    let entries = 0;
    const dying = engineOn(t, made.store, [sampleDefinition(made.world)], {
      afterLog() {
        if (++entries === 2) throw new Error('the daemon dies');
      },
    });
    const id = await run({ ...made, engine: dying });
    await made.store.transact([], [{ key: keys.workflow('other'), value: recordOfOther }]);
    await dying.close();
    await poison(made, id);
    await made.engine.resumeAll();
    t.match(await made.engine.wait('other'), { standing: { outcome: { kind: 'done' } } });
    t.match(await refusal(made.engine.wait(id)), { reason: 'WORKFLOW_HALTED' });
    t.match(await refusal(retryWorkflow(made, id)), { metadata: { next: /abandon/ } });
    const ended = await abandonWorkflow(made, id, { acceptHalfDone: true });
    t.match(ended.standing, { kind: 'finished', outcome: { kind: 'abandoned' } });
    t.match(await orders(made), { lifecycle: 'failed', failure: /ended half done/ });
    t.same(await made.store.list(keys.workflowOwners), []);
    const next = engineOn(t, made.store, [sampleDefinition(made.world)]);
    await next.resumeAll();
    t.match((await next.get(id))?.standing, { outcome: { kind: 'abandoned' } }, 'to every later daemon too');
  });

const recordOfOther = {
  id: 'other',
  type: 'create-database',
  version: 1,
  target: 'databases/other',
  createTimeMs: 1,
  initialState: { name: 'other' },
};

t.test('a stuck one stays as long as its database does', async (t) => {
  const made = await stuck(t);
  const retention = new Retention(made.store, silent, { ...RETENTION, perTarget: 0 });
  await made.store.transact([], [{ key: keys.database('orders'), value: { ...database, busyWith: '' } }]);
  t.equal(await retention.prune(), 0);
  await made.store.transact([], [{ key: keys.database('orders'), deleted: true }]);
  t.equal(await retention.prune(), 1);
});

interface Left {
  readonly what: string;
  readonly type: string;
  readonly version?: number;
  readonly before: Partial<DatabaseRecord>;
  readonly state?: Readonly<Record<string, unknown>>;
  readonly after: Partial<DatabaseRecord>;
}

const OF_A_DELETE = { deleteTimeMs: 5, expireTimeMs: 9, finalSnapshot: 'final-1' } as const;
const NOT_DELETED = { deleteTimeMs: 0, expireTimeMs: 0, finalSnapshot: '' } as const;
const FAILED = { lifecycle: 'failed', failure: /ended half done/ } as unknown as Partial<DatabaseRecord>;
const HALTED: readonly Left[] = [
  {
    what: 'a stopped database stays stopped',
    type: 'update-database',
    before: { lifecycle: 'stopped' },
    after: { lifecycle: 'stopped', failure: '', busyWith: '' },
  },
  {
    what: 'a deleted database stays deleted, until its time is over',
    type: 'rename-database',
    before: { lifecycle: 'deleted', ...OF_A_DELETE },
    after: { lifecycle: 'deleted', failure: '', busyWith: '', ...OF_A_DELETE },
  },
  {
    what: 'a database in use is left to the monitor',
    type: 'update-database',
    before: { lifecycle: 'active' },
    after: { ...FAILED, busyWith: '' },
  },
  {
    what: 'one that is brought back from a delete is not deleted any more',
    type: 'undelete-database',
    before: { lifecycle: 'starting', ...OF_A_DELETE },
    after: { ...FAILED, busyWith: '', ...NOT_DELETED },
  },
  {
    what: 'one whose soft delete is ended is brought up again',
    type: 'delete-database',
    version: 2,
    before: { lifecycle: 'deleting' },
    state: { wasStopped: false },
    after: { ...FAILED, busyWith: '' },
  },
  {
    what: 'one that was stopped before its soft delete is stopped again',
    type: 'delete-database',
    version: 2,
    before: { lifecycle: 'deleting' },
    state: { wasStopped: true },
    after: { lifecycle: 'stopped', failure: '', busyWith: '' },
  },
  {
    what: 'what a delete of the version before has left is not brought up',
    type: 'delete-database',
    version: 1,
    before: { lifecycle: 'deleting' },
    after: { ...FAILED, busyWith: 'it' },
  },
  {
    what: 'what a purge has left is not brought up, and keeps what its delete said',
    type: 'purge-database',
    before: { lifecycle: 'deleting', ...OF_A_DELETE },
    after: { ...FAILED, busyWith: 'it', ...OF_A_DELETE },
  },
  {
    what: 'what an unknown workflow that may have been a purge has left is not brought up',
    type: 'dance',
    before: { lifecycle: 'deleting' },
    after: { ...FAILED, busyWith: 'it' },
  },
];

for (const { what, type, version = 1, before, state = {}, after } of HALTED)
  t.test(`of a halted ${type} that is abandoned: ${what}`, async (t) => {
    const made = await scene(t);
    const initialState = { volume: database.volume, ...state };
    const record = { id: 'it', type, version, target: 'databases/orders', createTimeMs: 1, initialState };
    await made.store.transact(
      [],
      [
        { key: keys.workflow('it'), value: record },
        { key: keys.database('orders'), value: { ...database, ...before, busyWith: 'it' } },
      ],
    );
    await made.engine.resumeAll();
    const ended = await abandonWorkflow(made, 'it', { acceptHalfDone: true });
    t.match(ended.standing, { outcome: { kind: 'abandoned' } });
    t.match(await orders(made), after);
    const [event] = await made.store.list(keys.events('orders'));
    t.match(event, { value: { reason: 'WORKFLOW_ABANDONED', workflow: 'it' } });
  });
