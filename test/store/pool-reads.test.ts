/** How reads that wait for the disk share the threads. */
import t from 'tap';
import { PoolReads } from '../../daemon/store/pool-reads.ts';

t.test('no more reads are under way than there are threads for them', (t) => {
  const pool = new PoolReads(2);
  const under: (() => void)[] = [];
  const file = {};
  for (let at = 0; at < 5; at++) pool.begin(file, (ended) => under.push(ended));
  t.equal(under.length, 2);
  under[0]?.();
  t.equal(under.length, 3);
  for (const ended of under.slice(1)) ended();
  t.equal(under.length, 5);
  t.end();
});

t.test('a file that asks for much keeps another one waiting for one turn', (t) => {
  const pool = new PoolReads(1);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const ask = (name: string, file: object): void => {
    pool.begin(file, (ended) => {
      begun.push(name);
      ends.push(ended);
    });
  };
  const [busy, other] = [{}, {}];
  for (let at = 0; at < 4; at++) ask('busy', busy);
  ask('other', other);
  for (let at = 0; at < 5; at++) ends[at]?.();
  t.strictSame(begun, ['busy', 'busy', 'other', 'busy', 'busy']);
  t.end();
});
