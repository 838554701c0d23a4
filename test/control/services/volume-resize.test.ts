/** VolumeService.GrowVolume and ShrinkVolume: who is asked first, what is refused, and what a failure leaves. */
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
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

t.test('one that is away is made as large when it is back', async (t) => {
  const harness = await ControlHarness.open(t);
  await withVolume(harness);
  const until = async (isSo: (volume: Volume) => boolean): Promise<void> => {
    while (!isSo(await harness.call(service.getVolume, { name: 'volumes/scratch' })))
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  harness.b.die();
  t.match(await refusal(grow(harness)), { reason: /HOST_UNREACHABLE|GROWTH_INCOMPLETE/ });
  t.strictSame(sizesOn(harness.a), [OLD]);
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
