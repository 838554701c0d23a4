/** Control dies right after an entry of a log, at one after the other: the next control brings it to the same end. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { HostServiceService as hosts } from '../../../proto/gen/lockstep/v1/host_service.ts';
import {
  type Database,
  DatabaseServiceService as service,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness } from '../../support/control-harness.ts';

/** Some thirty lives of control, of a second or two each. */
t.setTimeout(240_000);

const name = 'databases/orders';
/** By then every workflow of a control that is being stopped knows. */
const GOING_MS = 30;
const isWhole = ({ redundancy, busyWith, state }: Database): boolean =>
  redundancy === 3 && state === 2 && busyWith === '';

interface Work {
  readonly begin: () => Promise<unknown>;
  readonly isDone: () => Promise<boolean>;
}

/**
 * Answers whether it came to that entry; the control after that is a new one. What died stands still until it is gone:
 * nobody who waits for it sees that it has failed, and writes that down.
 */
async function dyingAfter(harness: ControlHarness, entry: number, work: Work): Promise<boolean> {
  let entries = 0;
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => undefined);
  await harness.stopControl();
  await harness.startControl({ afterLog: () => (++entries >= entry ? gone.promise : undefined) });
  await harness.hostsHeard(3);
  await work.begin();
  while (entries < entry && !(await work.isDone())) await sleep(2);
  setTimeout(() => {
    gone.reject(new Error('the daemon is gone'));
  }, GOING_MS);
  await harness.stopControl();
  await harness.startControl();
  return entries >= entry;
}

async function created(t: Parameters<typeof ControlHarness.open>[0]): Promise<ControlHarness> {
  // Nobody is to be failed over from: also on a machine under load.
  const harness = await ControlHarness.open(t, { silenceMs: 1500 });
  await harness.addHost('host-c', 'c');
  await harness.createOrders();
  await harness.until(isWhole);
  return harness;
}

t.test('a conversion to two copies', { timeout: 120_000 }, async (t) => {
  for (let entry = 1, came = true; came; entry++) {
    const harness = await created(t);
    const convert = (redundancyMode: RedundancyMode, place = ''): Promise<unknown> =>
      harness.call(service.convertRedundancy, { name, redundancyMode, place });
    await convert(RedundancyMode.REDUNDANCY_MODE_SINGLE);
    await harness.until(({ redundancy, busyWith }) => redundancy === 1 && busyWith === '');
    came = await dyingAfter(harness, entry, {
      begin: () => convert(RedundancyMode.REDUNDANCY_MODE_REPLICATED, 'hosts/host-c'),
      isDone: async () => (await harness.get()).busyWith === '',
    });
    t.match(await harness.until(isWhole), { secondary: { host: 'host-c' } }, `after entry ${String(entry)}`);
    t.same([...harness.a.snapshots.keys()], []);
    t.same(harness.b.leftovers(), []);
    await harness.stopControl();
    if (!came) t.ok(entry > 12, 'at every entry of six steps');
  }
});

t.test('a drain, at every third entry', { timeout: 120_000 }, async (t) => {
  for (let entry = 1, came = true; came; entry += 3) {
    const harness = await created(t);
    const isDrained = async (): Promise<boolean> =>
      (await harness.call(hosts.getHost, { name: 'hosts/host-a' })).busyWith === '';
    came = await dyingAfter(harness, entry, {
      begin: () => harness.call(hosts.drainHost, { name: 'hosts/host-a' }),
      isDone: isDrained,
    });
    while (!(await isDrained())) await sleep(5);
    const moved = { primary: { host: 'host-b' }, secondary: { host: 'host-c' } };
    t.match(await harness.until(isWhole), moved, `after entry ${String(entry)}`);
    t.same(harness.a.leftovers(), []);
    await harness.stopControl();
    if (!came) t.ok(entry > 30, 'those of the drain, and of what it starts');
  }
});
