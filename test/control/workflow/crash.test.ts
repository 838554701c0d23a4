/**
 * The daemon dies before and after each entry of the log in turn; the next daemon, on the same store, brings the
 * workflow to the same end. A run is dropped where it stands: nothing of the first engine is used by the second.
 */
import t, { type Test } from 'tap';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { ControlStore } from '../../../control/store/store.ts';
import { WorkflowEngine } from '../../../control/workflow/executor.ts';
import type { WorkflowSnapshot } from '../../../control/workflow/snapshot.ts';
import { sampleDefinition, silent, startSample, storeFolder, World } from './sample.ts';

interface Life {
  readonly id: string;
  readonly snapshot: WorkflowSnapshot;
  readonly entries: number;
}

/** When the daemon dies: at its n-th entry, before that is durable or right after. */
interface Death {
  readonly entry: number;
  readonly moment: 'before' | 'after';
}

const NEVER: Death = { entry: Infinity, moment: 'after' };

/** One daemon's life on the folder: it takes the workflow up, or starts it, until its death. */
async function live(folder: string, world: World, id: string | undefined, death: Death): Promise<Life> {
  const store = await openLevelStore(folder);
  let entries = 0;
  const engine = new WorkflowEngine({
    store: death.moment === 'after' ? store : dyingStore(store, death.entry),
    definitions: [sampleDefinition(world)],
    clock: Date.now,
    log: silent,
    afterLog() {
      if (++entries === death.entry && death.moment === 'after') throw new Error('the daemon dies');
    },
  });
  try {
    await engine.resumeAll();
    const own = id ?? (await startSample(engine));
    await engine.wait(own).catch(() => undefined);
    const snapshot = await engine.get(own);
    if (snapshot === undefined) throw new Error('the workflow is gone');
    return { id: own, snapshot, entries };
  } finally {
    await engine.close();
    await store.close();
  }
}

/** A store whose n-th log entry, and everything after it, never reaches the disk. */
function dyingStore(store: ControlStore, entry: number): ControlStore {
  let entries = 0;
  return {
    revision: store.revision,
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    watch: (prefix, listener) => store.watch(prefix, listener),
    close: () => store.close(),
    async transact(conditions, mutations) {
      if (mutations.some(({ key }) => key.startsWith('workflow-log/')) && ++entries >= entry)
        throw new Error('the daemon dies');
      return store.transact(conditions, mutations);
    },
  };
}

async function dieEverywhere(t: Test, prepare: (world: World) => void): Promise<void> {
  const undisturbed = new World();
  prepare(undisturbed);
  const reference = await live(await storeFolder(t), undisturbed, undefined, NEVER);
  t.equal(reference.snapshot.standing.kind, 'finished');
  t.ok(reference.entries >= 7, 'the log is long enough to be cut');
  for (let entry = 1; entry <= reference.entries; entry++)
    for (const moment of ['before', 'after'] as const) {
      if (moment === 'after' && entry === reference.entries) continue;
      const world = new World();
      prepare(world);
      const folder = await storeFolder(t);
      const what = `death ${moment} entry ${entry}`;
      const { id, snapshot } = await live(folder, world, undefined, { entry, moment });
      t.equal(snapshot.standing.kind, 'halted', what);
      const second = await live(folder, world, id, NEVER);
      t.equal(second.snapshot.standing.kind, 'finished', what);
      t.strictSame(world.outcome, undisturbed.outcome, what);
      t.strictSame(second.snapshot.state, reference.snapshot.state, what);
      t.strictSame([...world.resources], [...undisturbed.resources], what);
      const extra = world.calls.length - undisturbed.calls.length;
      t.ok(extra >= 0 && extra <= 1, `${what}: ${extra} calls repeated`);
    }
}

t.test('a workflow that succeeds survives a death after every entry', (t) =>
  dieEverywhere(t, () => undefined),
);

for (const step of ['attach', 'publish'])
  t.test(`a workflow that fails at ${step} is undone after a death at every entry`, (t) =>
    dieEverywhere(t, (world) => world.faults.set(`do ${step}`, new Error('no room'))),
  );

t.test('a workflow whose undo fails is stuck after a death at every entry', (t) =>
  dieEverywhere(t, (world) => {
    world.faults.set('do publish', new Error('no room'));
    world.faults.set('undo attach', new Error('busy'));
  }),
);

t.test('a daemon that dies after every single entry still gets to the end', async (t) => {
  const world = new World();
  const folder = await storeFolder(t);
  // A start that is not followed by its end in the same life is repeated in the next, so each life needs two entries.
  let life = await live(folder, world, undefined, { entry: 2, moment: 'after' });
  for (let lives = 1; life.snapshot.standing.kind !== 'finished'; lives++) {
    t.ok(lives < 10, `life ${lives}`);
    life = await live(folder, world, life.id, { entry: 2, moment: 'after' });
  }
  t.strictSame(world.outcome, { kind: 'done' });
});
