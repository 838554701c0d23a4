/** VolumeService.GrowVolume and ShrinkVolume: who is asked first, what is refused, and what a failure leaves. */
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { definitionsOf } from '../../../control/workflow/definitions/definitions.ts';
import type { StepContext, WorkflowState } from '../../../control/workflow/workflow.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import {
  type GrowVolumeRequest,
  type ShrinkVolumeRequest,
  type Volume,
  VolumeServiceService as service,
} from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

const REGION = 65_536n;
const OLD = 16n * REGION;
const NEW = 64n * REGION;

async function withVolume(harness: ControlHarness): Promise<void> {
  await harness.finished(
    await harness.call(service.createVolume, {
      volumeId: 'scratch',
      sizeBytes: OLD,
      zones: ['a', 'b'],
      requestId: '',
      validateOnly: false,
    }),
  );
}

const grow = (harness: ControlHarness, change: Partial<GrowVolumeRequest> = {}): Promise<Volume> =>
  harness.call(service.growVolume, {
    name: 'volumes/scratch',
    sizeBytes: NEW,
    validateOnly: false,
    ...change,
  });

const sizesOn = (...hosts: readonly ControlHarness['a'][]): readonly bigint[] =>
  hosts.flatMap(({ replicas }) => [...replicas.values()].map(({ sizeBytes }) => sizeBytes));

/** Control may begin to copy to a host at any instant, or end that: whoever is refused for it asks again. */
async function whenFree<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (;;)
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LockstepError) || error.reason !== 'DATABASE_BUSY') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

t.test('both replicas grow, and then the record', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  t.match(await grow(harness), { sizeBytes: NEW });
  t.strictSame(sizesOn(harness.a, harness.b), [NEW, NEW]);
  t.match(await harness.get('databases/scratch'), { sizeBytes: NEW });
  t.match(await grow(harness), { sizeBytes: NEW }, 'asked for again');
});

t.test('of two that grow it at once the larger stays', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  const sizes = [2n * NEW, NEW, 3n * NEW, NEW + REGION];
  await Promise.allSettled(sizes.map((sizeBytes) => grow(harness, { sizeBytes })));
  t.strictSame(sizesOn(harness.a, harness.b), [3n * NEW, 3n * NEW]);
  t.match(await harness.call(service.getVolume, { name: 'volumes/scratch' }), { sizeBytes: 3n * NEW });
});

t.test('nothing is done for a request that is only looked at', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  t.match(await grow(harness, { validateOnly: true }), { sizeBytes: OLD });
  t.strictSame(sizesOn(harness.a, harness.b), [OLD, OLD]);
});

t.test('what cannot be is refused with the reason', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  t.match(await refusal(grow(harness, { sizeBytes: OLD - REGION })), {
    code: 'FAILED_PRECONDITION',
    reason: 'LARGER_ALREADY',
  });
  for (const sizeBytes of [0n, NEW + 1n, 2n ** 63n, 8n * 1024n ** 4n + REGION])
    t.match(
      await refusal(grow(harness, { sizeBytes })),
      { code: 'INVALID_ARGUMENT', violations: [{ field: 'size_bytes' }] },
      String(sizeBytes),
    );
  t.match(await refusal(grow(harness, { name: 'volumes/nothing' })), { reason: 'VOLUME_NOT_FOUND' });
  await harness.createOrders();
  const orders = await harness.get('databases/orders');
  t.match(await refusal(grow(harness, { name: 'databases/orders', sizeBytes: 2n * orders.sizeBytes })), {
    reason: 'HAS_ENGINE',
  });
});

t.test('a primary does not run ahead of its secondary', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  const error = new LockstepError('UNAVAILABLE', 'the answer was lost');
  harness.b.injections.push({ method: 'growReplica', times: 1, error });
  t.match(await refusal(grow(harness)), { reason: 'GROWTH_INCOMPLETE', message: /ask again/ });
  t.strictSame(sizesOn(harness.a, harness.b), [OLD, NEW]);
  t.match(await harness.call(service.getVolume, { name: 'volumes/scratch' }), { sizeBytes: OLD });
  t.match(await grow(harness), { sizeBytes: NEW });
  t.strictSame(sizesOn(harness.a, harness.b), [NEW, NEW]);
});

t.test('nothing grows while nobody can be reached', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  for (const host of [harness.a, harness.b]) host.die();
  const refused = await refusal(whenFree(() => grow(harness)));
  t.match(refused, { reason: /HOST_UNREACHABLE|GROWTH_INCOMPLETE/ });
  t.strictSame(sizesOn(harness.a, harness.b), [OLD, OLD]);
});

t.test('one that is away is made as large when it is back', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  const until = async (isSo: (volume: Volume) => boolean): Promise<void> => {
    while (!isSo(await harness.call(service.getVolume, { name: 'volumes/scratch' })))
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  harness.b.die();
  await until(({ inSync, busyWith }) => inSync.length === 1 && busyWith === '');
  t.match(await whenFree(() => grow(harness)), { sizeBytes: NEW }, 'with the one that is left');
  await harness.b.comeBack();
  await until(({ inSync }) => inSync.length === 2);
  t.strictSame(sizesOn(harness.a, harness.b), [NEW, NEW]);
});

const shrink = (harness: ControlHarness, change: Partial<ShrinkVolumeRequest> = {}): Promise<Volume> =>
  harness.call(service.shrinkVolume, {
    name: 'volumes/scratch',
    sizeBytes: REGION,
    acceptSmaller: true,
    ...change,
  });

t.test('a volume is made smaller on its primary first', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  t.match(await refusal(shrink(harness, { acceptSmaller: false })), { reason: 'SHRINK_NOT_ACCEPTED' });
  t.match(await refusal(shrink(harness, { sizeBytes: OLD + REGION })), {
    violations: [{ field: 'size_bytes' }],
  });
  const error = new LockstepError('FAILED_PRECONDITION', 'in use', { reason: 'END_IN_USE' });
  harness.a.injections.push({ method: 'shrinkReplica', times: 1, error });
  t.match(await refusal(shrink(harness)), { reason: 'END_IN_USE' });
  t.strictSame(sizesOn(harness.b), [OLD], 'the secondary is not asked before the primary agreed');
  t.match(await shrink(harness), { sizeBytes: REGION });
  t.strictSame(sizesOn(harness.a, harness.b), [REGION, REGION]);
  t.match(await harness.get('databases/scratch'), { sizeBytes: REGION });
});

t.test('no volume is made smaller while one of its replicas is not in sync', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  harness.b.die();
  for (;;) {
    const { inSync, busyWith } = await harness.call(service.getVolume, { name: 'volumes/scratch' });
    if (inSync.length === 1 && busyWith === '') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.match(await refusal(whenFree(() => shrink(harness))), { reason: 'NOT_IN_SYNC', message: /host-b/ });
  t.strictSame(sizesOn(harness.a), [OLD]);
});

/** Control whose resizes wait, before the last step, until it says so. */
async function withGate(t: Test): Promise<{
  readonly harness: ControlHarness;
  readonly reached: Promise<unknown>;
  readonly open: () => void;
}> {
  const [reached, gate] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const harness = await ControlHarness.open(t);
  await harness.stopControl();
  await harness.startControl({
    definitions: (around) =>
      definitionsOf(around).map((definition) => ({
        ...definition,
        steps: definition.steps.map((step) => ({
          ...step,
          async do(context: StepContext<WorkflowState>) {
            if (step.name === 'write-size') {
              reached.resolve(undefined);
              await Promise.race([gate.promise, once(context.signal, 'abort')]);
              context.signal.throwIfAborted();
            }
            return step.do(context);
          },
        })),
      })),
  });
  await harness.hostsHeard();
  await withVolume(harness);
  return { harness, reached: reached.promise, open: () => gate.resolve(undefined) };
}

for (const [what, resize, size] of [
  ['grows', grow, NEW],
  ['is made smaller', shrink, REGION],
] as const)
  t.test(`nothing else begins on a volume while it ${what}`, async (t) => {
    const { harness, reached, open } = await withGate(t);
    const resizing = resize(harness);
    await reached;
    const busy = { code: 'ABORTED', reason: 'DATABASE_BUSY', metadata: { operation: /resize-volume/ } };
    t.match(await refusal(harness.call(service.deleteVolume, { name: 'databases/scratch' })), busy);
    const failover = harness.call(databases.switchoverDatabase, { name: 'databases/scratch' });
    t.match(await refusal(failover), busy);
    open();
    t.match(await resizing, { sizeBytes: size, busyWith: '' });
    t.strictSame(sizesOn(harness.a, harness.b), [size, size]);
  });

t.test('a volume whose control dies while it is made smaller has one size in the end', async (t) => {
  const { harness, reached } = await withGate(t);
  const resizing = shrink(harness).catch(() => undefined);
  await reached;
  await harness.stopControl();
  await resizing;
  t.strictSame(sizesOn(harness.a, harness.b), [REGION, REGION]);
  await harness.startControl();
  await harness.hostsHeard();
  for (;;) {
    const { busyWith, sizeBytes } = await harness.call(service.getVolume, { name: 'volumes/scratch' });
    if (busyWith === '') {
      t.equal(sizeBytes, REGION);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

t.test('what was left half done is not let go of by a resize', async (t) => {
  const harness = await ControlHarness.open(t);
  const gone = new LockstepError('UNAVAILABLE', 'gone');
  for (const method of ['createReplica', 'deleteReplica']) harness.b.injectOnce(method, gone, 1000);
  await withVolume(harness);
  const failed = await harness.get('databases/scratch');
  t.match(failed, { state: 6 });
  t.match(await refusal(grow(harness)), { reason: /NOT_ACTIVE|DATABASE_BUSY/ });
  t.match(await harness.get('databases/scratch'), { state: 6, reason: failed.reason });
});
