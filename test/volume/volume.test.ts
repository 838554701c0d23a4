/** One volume between a replica's machine and the world, where the world fails. */
import t from 'tap';
import type { Log } from '../../daemon/sys/log.ts';
import { openVolumes, soloVolume } from '../support/open-volumes.ts';
import { quietLog } from '../support/quiet-log.ts';

t.test('why the other replica cannot be reached is told once for each reason', async (t) => {
  const told: unknown[] = [];
  const log: Log = {
    ...quietLog,
    warn: (facts) => {
      told.push(facts['error']);
    },
  };
  let dials = 0;
  const dial = (): Promise<never> => Promise.reject(new Error(++dials < 4 ? 'refused' : 'no route'));
  const { volumes } = await openVolumes(t, { log, dial });
  await soloVolume(volumes);
  volumes.require('v').run({ type: 'seed', target: 'b', allocated: [], changed: [] });
  while (dials < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  volumes.require('v').run({ type: 'seed', target: 'b', allocated: [], changed: [] });
  while (dials < 5) {
    volumes.require('v').run({ type: 'seed', target: 'b', allocated: [], changed: [] });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.strictSame(told, ['refused', 'no route']);
});

t.test('a state that cannot be made durable ends the process', async (t) => {
  const { promise: said, resolve } = Promise.withResolvers<string>();
  const { volumes, meta } = await openVolumes(t, { fatal: resolve });
  await soloVolume(volumes);
  await meta.close();
  volumes.tell('v', { generation: 2, primary: 'b', inSync: ['b'] }, { explicit: true });
  t.match(await said, /the state of volume v cannot be made durable: .*not open/);
});
