/** Two control daemons on one store: never both run a workflow, and what a dead one left is taken over. */
import t, { type Test } from 'tap';
import { keys } from '../../../control/model/records.ts';
import type { ControlStore } from '../../../control/store/store.ts';
import type { WorkflowEngine } from '../../../control/workflow/executor.ts';
import type { WorkflowDefinition, WorkflowState } from '../../../control/workflow/workflow.ts';
import { engineOn, openStore, sampleDefinition, startSample, World } from './sample.ts';

/** Long enough that a machine under load renews in time. */
const LEASE_MS = 400;

/** A sample whose second step waits until it is let go on, and tells which engine is in it. */
function held(world: World, name: string, gate: Promise<void>): readonly WorkflowDefinition<WorkflowState>[] {
  const sample = sampleDefinition(world) as unknown as WorkflowDefinition<WorkflowState>;
  const steps = sample.steps.map((step) =>
    step.name === 'attach'
      ? {
          ...step,
          async do(context: Parameters<typeof step.do>[0]) {
            world.calls.push(`${name} is in attach`);
            await gate;
            return step.do(context);
          },
        }
      : step,
  );
  return [{ ...sample, steps }];
}

function withTransact(store: ControlStore, transact: ControlStore['transact']): ControlStore {
  return {
    get revision() {
      return store.revision;
    },
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    watch: (prefix, listener) => store.watch(prefix, listener),
    close: () => store.close(),
    transact,
  };
}

interface Daemon {
  readonly engine: WorkflowEngine;
  readonly release: () => void;
  /** As a process that was stopped: it does not renew its lease, and does not notice that. */
  freeze(): void;
}

function daemonOn(t: Test, store: ControlStore, world: World, name: string): Daemon {
  const { promise, resolve } = Promise.withResolvers<void>();
  let frozen = false;
  const own = withTransact(store, (conditions, mutations) => {
    const isRenewal = mutations.every(({ key }) => key.startsWith(keys.controlDaemons));
    return frozen && isRenewal ? new Promise(() => undefined) : store.transact(conditions, mutations);
  });
  const engine = engineOn(t, own, held(world, name, promise), {
    daemon: name,
    leaseMs: LEASE_MS,
    closeWaitMs: 10,
    settleMs: 10,
  });
  return {
    engine,
    release: resolve,
    freeze: () => {
      frozen = true;
    },
  };
}

async function until(isSo: () => boolean | Promise<boolean>, limitMs = 8000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error('it did not come to be');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

t.test('what a dead daemon ran is taken over; waking up late, it can write nothing', async (t) => {
  const store = await openStore(t);
  const world = new World();
  const first = daemonOn(t, store, world, 'first');
  const second = daemonOn(t, store, world, 'second');
  await first.engine.resumeAll();
  await second.engine.resumeAll();
  const id = await startSample(first.engine);
  await until(() => world.calls.includes('first is in attach'));
  first.freeze();
  await until(() => world.calls.includes('second is in attach'));
  t.match(await store.get(keys.workflowOwner(id)), { value: { daemon: 'second', epoch: 2 } });
  const before = (await store.list(keys.workflowLog(id))).length;
  const madeBefore = world.calls.length;
  first.release();
  // Its step goes to the end, and then its entry is refused.
  await until(() => world.calls.slice(madeBefore).includes('do attach'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal((await store.list(keys.workflowLog(id))).length, before, 'the first wrote nothing');
  t.match(await first.engine.get(id), { standing: { kind: 'running' } }, 'to it another one runs it');
  const waited = first.engine.wait(id);
  second.release();
  t.match(await second.engine.wait(id), { standing: { kind: 'finished', outcome: { kind: 'done' } } });
  t.match(await waited, { standing: { outcome: { kind: 'done' } } }, 'the first may wait for it');
  t.equal(world.calls.filter((call) => call === 'do publish').length, 1);
  t.same(await store.list(keys.workflowOwners), [], 'what has ended has no owner');
});

t.test('a daemon that lives keeps what it runs, however long that takes', async (t) => {
  const store = await openStore(t);
  const world = new World();
  const first = daemonOn(t, store, world, 'first');
  const second = daemonOn(t, store, world, 'second');
  await first.engine.resumeAll();
  const id = await startSample(first.engine);
  await second.engine.resumeAll();
  await new Promise((resolve) => setTimeout(resolve, LEASE_MS * 4));
  t.match(await store.get(keys.workflowOwner(id)), { value: { daemon: 'first', epoch: 1 } });
  first.release();
  t.match(await first.engine.wait(id), { standing: { outcome: { kind: 'done' } } });
  t.match(await second.engine.get(id), { standing: { outcome: { kind: 'done' } } });
  t.equal(world.calls.filter((call) => call.startsWith('second')).length, 0);
});

t.test('a daemon that is started again has its own back at once', async (t) => {
  const store = await openStore(t);
  const world = new World();
  const first = daemonOn(t, store, world, 'first');
  const id = await startSample(first.engine);
  await until(() => world.calls.includes('first is in attach'));
  await first.engine.close();
  const again = daemonOn(t, store, world, 'first');
  await again.engine.resumeAll();
  again.release();
  t.match(await again.engine.wait(id), { standing: { outcome: { kind: 'done' } } });
});

t.test('a daemon that cannot renew its lease stops what it runs, and goes on when it can', async (t) => {
  const store = await openStore(t);
  const world = new World();
  let isBroken = false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const own = withTransact(store, (conditions, mutations) =>
    isBroken ? Promise.reject(new Error('the store is away')) : store.transact(conditions, mutations),
  );
  const engine = engineOn(t, own, held(world, 'own', promise), { leaseMs: 100, settleMs: 10 });
  await engine.resumeAll();
  const id = await startSample(engine);
  await until(() => world.calls.includes('own is in attach'));
  isBroken = true;
  await new Promise((passed) => setTimeout(passed, 300));
  t.equal(world.calls.filter((call) => call === 'own is in attach').length, 1);
  isBroken = false;
  await until(() => world.calls.filter((call) => call === 'own is in attach').length === 2);
  resolve();
  t.match(await engine.wait(id), { standing: { outcome: { kind: 'done' } } });
});
