/** As twice.test.ts, of the workflows that make and drop copies. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import {
  DatabaseServiceService as service,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { openTwice } from '../../support/twice.ts';

const name = 'databases/orders';

t.test('conversions and a replacement stand being run twice', async (t) => {
  const harness = await openTwice(t);
  await harness.createOrders();
  await harness.until(({ busyWith }) => busyWith === '');
  const convert = async (redundancyMode: RedundancyMode): Promise<void> => {
    const done = await harness.finished(
      await harness.call(service.convertRedundancy, { name, redundancyMode }),
    );
    t.equal(done.error, undefined);
  };
  await convert(RedundancyMode.REDUNDANCY_MODE_SINGLE);
  t.same(harness.b.leftovers(), []);
  await convert(RedundancyMode.REDUNDANCY_MODE_REPLICATED);
  const events = (await harness.events()).map(({ reason }) => reason).reverse();
  t.same(events.slice(-5), ['CONVERT_STARTED', 'CONVERTED', 'CONVERT_STARTED', 'IN_SYNC', 'CONVERTED']);
  t.match(await harness.until(({ redundancy }) => redundancy === 3), { secondary: { host: 'host-b' } });
});

t.test('the undo of every step of a conversion stands being run twice', async (t) => {
  const harness = await openTwice(t);
  await harness.createOrders();
  await harness.until(({ busyWith }) => busyWith === '');
  await harness.finished(
    await harness.call(service.convertRedundancy, {
      name,
      redundancyMode: RedundancyMode.REDUNDANCY_MODE_SINGLE,
    }),
  );
  // The last call to a host of all: every step before it is undone.
  harness.a.injectOnce('deleteSnapshot', new LockstepError('FAILED_PRECONDITION', 'no'));
  const done = await harness.finished(
    await harness.call(service.convertRedundancy, {
      name,
      redundancyMode: RedundancyMode.REDUNDANCY_MODE_REPLICATED,
    }),
  );
  t.match(done.error, { message: /step drop-snapshot failed/ });
  await harness.until(({ redundancy }) => redundancy === 1);
  while (harness.b.replicas.size > 0) await sleep(5);
  t.same([...harness.a.snapshots.keys()], []);
});
