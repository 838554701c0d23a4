import t from 'tap';
import { Damper } from '../../../control/monitor/damper.ts';

t.test('what does not help is started again after 1, 2, 4 ... 30 seconds', async (t) => {
  const damper = new Damper();
  let nowMs = 0;
  const waits: number[] = [];
  for (let start = 0; start < 7; start++) {
    damper.started('orders', 'reseed', nowMs);
    const startedAtMs = nowMs;
    while (!damper.mayStart('orders', 'reseed', nowMs)) nowMs += 500;
    waits.push(nowMs - startedAtMs);
  }
  t.same(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

t.test('one kind does not damp another, nor one database another', async (t) => {
  const damper = new Damper();
  damper.started('orders', 'reseed', 0);
  t.equal(damper.mayStart('orders', 'failover', 0), true);
  t.equal(damper.mayStart('users', 'reseed', 0), true);
});

t.test('a database that is well, or was quiet for long, starts over', async (t) => {
  const damper = new Damper();
  for (let start = 0; start < 5; start++) damper.started('orders', 'reseed', 0);
  damper.reset('orders');
  t.equal(damper.mayStart('orders', 'reseed', 0), true);
  damper.started('orders', 'reseed', 0);
  damper.started('orders', 'reseed', 100_000);
  t.equal(damper.mayStart('orders', 'reseed', 101_000), true);
});
