/** A copy that ends while its source is cut off: the snapshot there does not outlive the moment at which it is heard. */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import { definitionsOf } from '../../../control/workflow/definitions/definitions.ts';
import type { Surroundings } from '../../../control/workflow/definitions/surroundings.ts';
import type { WorkflowDefinition, WorkflowState } from '../../../control/workflow/workflow.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import {
  type Database,
  DatabaseServiceService as service,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness } from '../../support/control-harness.ts';

const name = 'databases/orders';
const isWhole = ({ redundancy, busyWith, state }: Database): boolean =>
  redundancy === 3 && busyWith === '' && state === 2;

interface CutOff {
  readonly harness: ControlHarness;
  /** The daemon there lived all the while: it has what it had. */
  readonly heal: () => Promise<void>;
}

/** host-a, the source, is gone when the step of a workflow of that type begins. The step is done twice, or it fails. */
async function cutOffAt(
  t: Test,
  at: { readonly type: string; readonly step: string; readonly fails?: boolean },
): Promise<CutOff> {
  const harness = await ControlHarness.open(t);
  const { a } = harness;
  let kept: ReadonlyMap<string, string> | undefined;
  const cutOff = async ({ hosts }: Surroundings): Promise<void> => {
    if (kept !== undefined) return;
    kept = new Map(a.snapshots);
    a.die();
    while (!hosts.isGone('host-a')) await sleep(5);
  };
  const define = (around: Surroundings): readonly WorkflowDefinition<WorkflowState>[] =>
    definitionsOf(around).map((definition) => ({
      ...definition,
      steps: definition.steps.map((step) =>
        definition.type !== at.type || step.name !== at.step
          ? step
          : {
              ...step,
              async do(context) {
                const isFirst = kept === undefined;
                await cutOff(around);
                if (isFirst && at.fails === true) throw new LockstepError('FAILED_PRECONDITION', 'no');
                await step.do(context);
                return step.do(context);
              },
            },
      ),
    }));
  await harness.createOrders();
  await harness.until(isWhole);
  await harness.stopControl();
  await harness.startControl({ definitions: define });
  await harness.hostsHeard();
  const heal = async (): Promise<void> => {
    t.equal(kept?.size, 1, 'there was a snapshot');
    for (const [snapshot, volume] of kept ?? []) a.snapshots.set(snapshot, volume);
    await a.start();
  };
  return { harness, heal };
}

async function isCleanIn({ harness }: CutOff, t: Test): Promise<void> {
  const endMs = performance.now() + 8000;
  while (harness.a.snapshots.size > 0 && performance.now() < endMs) await sleep(5);
  t.same([...harness.a.snapshots.keys()], []);
  await harness.until(isWhole);
  await harness.stopControl();
  const store = await openLevelStore(join(harness.folder, 'control'));
  t.same(await store.list(keys.leftSnapshots), [], 'nothing is left on the list');
  await store.close();
}

const reseedAnew = ({ harness }: CutOff) => harness.call(service.reseedDatabase, { name, anew: true });

t.test('a reseed whose source is cut off at its end leaves no snapshot there', async (t) => {
  const run = await cutOffAt(t, { type: 'reseed', step: 'drop-snapshot' });
  t.equal((await run.harness.finished(await reseedAnew(run))).error, undefined);
  await run.harness.until(({ state, primary }) => state === 2 && primary?.host === 'host-b');
  await run.heal();
  await isCleanIn(run, t);
});

t.test('a reseed that fails while its source is cut off leaves no snapshot there', async (t) => {
  const run = await cutOffAt(t, { type: 'reseed', step: 'connect', fails: true });
  t.match((await run.harness.finished(await reseedAnew(run))).error, { message: /step connect failed/ });
  await run.heal();
  await isCleanIn(run, t);
});

t.test('a conversion whose source is cut off at its end leaves no snapshot there', async (t) => {
  const run = await cutOffAt(t, { type: 'convert-redundancy', step: 'drop-snapshot' });
  const { harness } = run;
  const convert = (redundancyMode: RedundancyMode) =>
    harness.call(service.convertRedundancy, { name, redundancyMode });
  await harness.finished(await convert(RedundancyMode.REDUNDANCY_MODE_SINGLE));
  await harness.until(({ redundancy, primary }) => redundancy === 1 && primary?.role === 'SOLO');
  const done = await harness.finished(await convert(RedundancyMode.REDUNDANCY_MODE_REPLICATED));
  t.equal(done.error, undefined);
  await harness.until(({ state, primary }) => state === 2 && primary?.host === 'host-b');
  await run.heal();
  await isCleanIn(run, t);
});

t.test('of a source that has died the list is worked off as well', async (t) => {
  const run = await cutOffAt(t, { type: 'reseed', step: 'drop-snapshot' });
  t.equal((await run.harness.finished(await reseedAnew(run))).error, undefined);
  await run.harness.a.comeBack();
  await isCleanIn(run, t);
});
