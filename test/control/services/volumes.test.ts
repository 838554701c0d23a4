import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { EventServiceService } from '../../../proto/gen/lockstep/v1/event_service.ts';
import { VolumeServiceService as service } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

const get = (harness: ControlHarness, name: string) => harness.call(service.getVolume, { name });
const force = (
  harness: ControlHarness,
  host: string,
  change: { acceptDataLoss?: boolean; validateOnly?: boolean } = {},
) =>
  harness.call(service.forcePrimary, {
    name: 'databases/orders',
    host: `hosts/${host}`,
    acceptDataLoss: true,
    validateOnly: false,
    ...change,
  });

/** b has been dropped at generation 3; then a, which alone has the rest, is lost with everything on it. */
async function withOldCopyOnly(harness: ControlHarness): Promise<void> {
  await harness.createOrders();
  harness.b.die();
  await harness.until((database) => database.generation === 3n && database.busyWith === '');
  harness.a.die();
  for (const replica of harness.b.replicas.values()) replica.consistentAt = 2n;
  await harness.b.comeBack();
  await harness.until((database) => database.state === 5 && database.busyWith === '');
}

t.test('a volume is found by its name, and by that of its database', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const [volume = ''] = harness.a.replicas.keys();
  for (const name of [`volumes/${volume}`, 'databases/orders', 'volumes/orders'])
    t.match(
      await get(harness, name),
      { name: `volumes/${volume}`, primary: 'hosts/host-a', waitsFor: '' },
      name,
    );
  t.match(await refusal(get(harness, 'volumes/nothing')), { code: 'NOT_FOUND', reason: 'VOLUME_NOT_FOUND' });
  t.match(await refusal(get(harness, 'nothing')), { violations: [{ field: 'name' }] });
});

t.test('what control waits for is said in its own words', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  harness.b.die();
  await harness.until((database) => database.generation === 3n && database.busyWith === '');
  await harness.until(({ secondary }) => secondary?.reachable === false);
  t.match(await get(harness, 'databases/orders'), { waitsFor: /one copy only: host-b cannot be reached/ });
});

t.test(
  'an old copy that a person chose is the primary, its engine is started and the alias moved',
  async (t) => {
    const harness = await ControlHarness.open(t);
    await withOldCopyOnly(harness);
    t.match(await force(harness, 'host-b'), { primary: 'hosts/host-b', inSync: ['hosts/host-b'] });
    t.ok(harness.b.calls.includes('forcePrimary'));
    const back = await harness.until((one) => one.state === 2 && one.primary?.host === 'host-b');
    t.ok(back.generation > 3n);
    const request = { parent: 'databases/orders', pageSize: 100, pageToken: '' };
    const { events } = await harness.call(EventServiceService.listEvents, request);
    t.ok(events.some((event) => event.reason === 'PRIMARY_FORCED'));
  },
);

t.test('nothing is changed without the word that loss is accepted, or by a mere look', async (t) => {
  const harness = await ControlHarness.open(t);
  await withOldCopyOnly(harness);
  t.match(await refusal(force(harness, 'host-b', { acceptDataLoss: false })), {
    reason: 'DATA_LOSS_NOT_ACCEPTED',
  });
  const shown = await force(harness, 'host-b', { acceptDataLoss: false, validateOnly: true });
  const [, b] = shown.replicas;
  t.match(b, { host: 'hosts/host-b', consistentAt: 2n, consistentUntil: Date });
  t.match(await harness.get(), { generation: 3n, primary: { host: 'host-a' } });
});

t.test('a choice whose answer is lost is made all the same', async (t) => {
  const harness = await ControlHarness.open(t);
  await withOldCopyOnly(harness);
  harness.b.injectOnce('forcePrimary', new LockstepError('UNAVAILABLE', 'not now'));
  t.match(await refusal(force(harness, 'host-b')), { message: /not now/ });
  t.match(await get(harness, 'databases/orders'), { primary: 'hosts/host-b' });
  await harness.until((one) => one.state === 2 && one.primary?.host === 'host-b');
});

t.test('a primary that is there is not pushed aside', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  for (const replica of harness.b.replicas.values()) replica.consistentAt = 2n;
  t.match(await refusal(force(harness, 'host-b')), { reason: 'FORCE_REFUSED', message: /host-a is heard/ });
  t.match(await refusal(force(harness, 'Host B')), { violations: [{ field: 'host' }] });
});

t.test('a check asks every host, and tells of those that cannot answer', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const check = await harness.call(service.checkVolume, { name: 'databases/orders', start: true });
  t.match(
    [...check.replicas].sort((a, b) => a.host.localeCompare(b.host)),
    // The double serves no checks, as an older build does not.
    [
      { host: 'hosts/host-a', running: false, error: /.+/ },
      { host: 'hosts/host-b', running: false, error: /.+/ },
    ],
  );
  const unknown = harness.call(service.checkVolume, { name: 'volumes/nothing', start: true });
  t.match(await refusal(unknown), { reason: 'VOLUME_NOT_FOUND' });
});

t.test('a scrub is begun and stopped on the primary, and seen at once', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const scrub = (stop: boolean) =>
    harness.call(service.scrubVolume, { name: 'databases/orders', stop, anew: false });
  const { primary, replicas } = await scrub(false);
  t.match(
    replicas.find(({ host }) => host === primary),
    { scrub: { phase: 'RUNNING', doneBytes: 3n * 65_536n, totalBytes: 16n * 65_536n } },
  );
  t.match((await scrub(true)).replicas[0], { scrub: { phase: 'STOPPED' } });
  t.ok(harness.a.calls.includes('startScrub') && harness.a.calls.includes('stopScrub'));
});

t.test('a scrub that the primary refuses is refused in its words', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  for (const replica of harness.a.replicas.values()) replica.state = 'SOLO';
  const request = { name: 'databases/orders', stop: false, anew: false };
  t.match(await refusal(harness.call(service.scrubVolume, request)), {
    code: 'FAILED_PRECONDITION',
    message: /not scrubbed/,
  });
});
