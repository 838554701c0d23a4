/** ConvertRedundancy of a single copy which has a second one for a while, as a drain that broke off leaves it. */
import t, { type Test } from 'tap';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import {
  type ConvertRedundancyRequest,
  type Database,
  DatabaseServiceService as service,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { HostServiceService as hosts } from '../../../proto/gen/lockstep/v1/host_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';
import { changeVolume } from '../../support/stored-volume.ts';

const name = 'databases/orders';
const { REDUNDANCY_MODE_SINGLE: SINGLE, REDUNDANCY_MODE_REPLICATED: REPLICATED } = RedundancyMode;
const isIdle = ({ busyWith }: Database): boolean => busyWith === '';

const convert = (
  harness: ControlHarness,
  redundancyMode: RedundancyMode,
  more: Partial<ConvertRedundancyRequest> = {},
): Promise<Operation> => harness.call(service.convertRedundancy, { name, redundancyMode, ...more });

/** Its host is cordoned, so that the second copy is not dropped. */
async function leftByADrain(t: Test): Promise<ControlHarness> {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const volume = (await harness.until(isIdle)).volume.replace('volumes/', '');
  t.equal((await harness.finished(await convert(harness, SINGLE))).error, undefined);
  await harness.call(hosts.cordonHost, { name: 'hosts/host-a' });
  await harness.stopControl();
  await changeVolume(harness, volume, (record) => ({ ...record, replicas: ['host-a', 'host-b'] }));
  await harness.startControl();
  await harness.hostsHeard();
  // The monitor brings it in sync, and else would drop it.
  await harness.until((database) => isIdle(database) && database.secondary?.role === 'SECONDARY');
  return harness;
}

t.test('to have two copies keeps the second one', async (t) => {
  const harness = await leftByADrain(t);
  const would = await convert(harness, REPLICATED, { validateOnly: true });
  t.match(would, { done: true, name: '' });
  t.match(await harness.get(), { redundancyMode: SINGLE, busyWith: '' });
  t.match(await refusal(convert(harness, REPLICATED, { etag: '1.1' })), { reason: 'ETAG_MISMATCH' });
  t.match(await refusal(convert(harness, REPLICATED, { place: 'hosts/host-a' })), {
    violations: [{ field: 'place' }],
  });
  const requestId = '0b5a1e2c-0000-4000-8000-000000000002';
  const first = await convert(harness, REPLICATED, { requestId, place: 'hosts/host-b' });
  t.equal((await harness.finished(first)).error, undefined);
  t.equal((await convert(harness, REPLICATED, { requestId, place: 'hosts/host-b' })).name, first.name);
  t.match(await harness.until((database) => isIdle(database) && database.redundancy === 3), {
    redundancyMode: REPLICATED,
    secondary: { host: 'host-b' },
  });
  const events = await harness.events();
  t.ok(events.some(({ reason, message }) => reason === 'UPDATED' && /number of copies/.test(message)));
  t.match(await refusal(convert(harness, REPLICATED)), { reason: 'ALREADY_REPLICATED' });
});
