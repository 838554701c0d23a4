/** A copy that is one too many, while another one falls out of the set: it is not dropped, or at least not deleted. */
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { VolumeRecord } from '../../../control/model/records.ts';
import { Repository } from '../../../control/repository.ts';
import type { Entry } from '../../../control/store/store.ts';
import { definitionsOf } from '../../../control/workflow/definitions/definitions.ts';
import type { Surroundings } from '../../../control/workflow/definitions/surroundings.ts';
import type { WorkflowDefinition, WorkflowState } from '../../../control/workflow/workflow.ts';
import { ControlHarness } from '../../support/control-harness.ts';
import { changeVolume } from '../../support/stored-volume.ts';

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 8000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not so: ${what}`);
    await sleep(5);
  }
}

/** The set loses host-b behind the back of a workflow, once: when it reads a record that it is to lose it after. */
class ChangingRepository extends Repository {
  readonly #losesAfter: (record: VolumeRecord) => boolean;
  #hasLost = false;

  constructor(around: Surroundings, losesAfter: (record: VolumeRecord) => boolean) {
    super(around.repository.store, around.wallClock);
    this.#losesAfter = losesAfter;
  }

  override async volume(name: string): Promise<Entry<VolumeRecord> | undefined> {
    const entry = await super.volume(name);
    if (this.#hasLost || entry === undefined || !this.#losesAfter(entry.value)) return entry;
    this.#hasLost = true;
    await this.updateVolume(name, (record) => ({
      ...record,
      generation: record.generation + 1,
      inSync: record.inSync.filter((host) => host !== 'host-b'),
    }));
    return entry;
  }
}

interface Surplus {
  readonly harness: ControlHarness;
  readonly c: ControlHarness['a'];
  readonly start: () => Promise<void>;
}

/** In sync on three hosts, where two were asked for. Control is stopped. */
async function surplus(t: Test, losesAfter: (record: VolumeRecord) => boolean): Promise<Surplus> {
  // Nobody is to be failed over from: also on a machine under load.
  const harness = await ControlHarness.open(t, { silenceMs: 1500 });
  const { a, b } = harness;
  const c = await harness.addHost('host-c', 'c');
  await harness.hostsHeard(3);
  const volume = (await harness.createOrders()).volume.replace('volumes/', '');
  await harness.stopControl();
  for (const replica of b.replicas.values()) c.replicas.set(volume, { ...replica });
  await changeVolume(harness, volume, (record) => ({
    ...record,
    generation: record.generation + 1,
    inSync: ['host-a', 'host-b', 'host-c'],
    replicas: ['host-a', 'host-b', 'host-c'],
  }));
  // So that host-b stays outside of the set.
  a.holdsSeed = true;
  const definitions = (around: Surroundings): readonly WorkflowDefinition<WorkflowState>[] => {
    const drops = { ...around, repository: new ChangingRepository(around, losesAfter) };
    const changed = definitionsOf(drops).filter(({ type }) => type === 'drop-surplus');
    return [...changed, ...definitionsOf(around).filter(({ type }) => type !== 'drop-surplus')];
  };
  return { harness, c, start: () => harness.startControl({ definitions }) };
}

const has = (harness: ControlHarness, reason: string): Promise<boolean> =>
  harness.events().then((events) => events.some((event) => event.reason === reason));

/** The copy to host-b, which had been held up, ends. */
function release({ a }: ControlHarness): void {
  a.holdsSeed = false;
  for (const replica of a.replicas.values())
    if (replica.copy !== undefined) replica.copy = { ...replica.copy, phase: 'SEEDED' };
}

for (const [when, reads] of [
  ['once it was found to be one too many', 1],
  ['just before it leaves the record', 2],
] as const)
  t.test(`where another falls out of the set ${when}, the third copy stays`, async (t) => {
    let seen = 0;
    const { harness, c, start } = await surplus(
      t,
      ({ replicas }) => replicas.length === 3 && ++seen === reads,
    );
    await start();
    await until('the drop is refused', () => has(harness, 'CONVERT_FAILED'));
    t.match(
      (await harness.events()).find(({ reason }) => reason === 'CONVERT_FAILED'),
      {
        message: /host-b would stay, and does not hold every acknowledged write/,
      },
    );
    await until('it is in the set', () =>
      [...c.replicas.values()].some(
        ({ state, view }) => state === 'SECONDARY' && !view.inSync.includes('host-b'),
      ),
    );
  });

t.test(
  'where another falls out of the set before it is deleted, it is kept until that one is back',
  async (t) => {
    const { harness, c, start } = await surplus(t, ({ replicas }) => replicas.length === 2);
    await start();
    await until('it is dropped', () => has(harness, 'CONVERTED'));
    await until('host-b is copied to', async () => (await harness.get()).busyWith.includes('reseed'));
    t.equal(c.replicas.size, 1);
    release(harness);
    await until('it is deleted', () => c.replicas.size === 0);
    t.match(await harness.until(({ busyWith, redundancy }) => busyWith === '' && redundancy === 3), {
      secondary: { host: 'host-b' },
    });
  },
);

t.test('it is not kept for one that is lost for good: that gets its successor there', async (t) => {
  const { harness, c, start } = await surplus(t, ({ replicas }) => replicas.length === 2);
  harness.replaceAfterSeconds = 2;
  await start();
  await until('it is dropped', () => has(harness, 'CONVERTED'));
  harness.b.die();
  await sleep(1000);
  t.equal(c.replicas.size, 1);
  release(harness);
  t.match(await harness.until(({ busyWith, redundancy }) => busyWith === '' && redundancy === 3), {
    secondary: { host: 'host-c' },
  });
});
