/** Records on a disk without room. */
import { join } from 'node:path';
import t from 'tap';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { fillUp, smallDisk } from '../support/small-disk.ts';

const MIB = 1024 * 1024;

t.test('what is answered as durable after the disk was full is found by the next process', async (t) => {
  const folder = smallDisk(t, MIB);
  const meta = await HostMeta.open(join(folder, 'meta'));
  const kept: string[] = [];
  const put = (host: string): Promise<boolean> =>
    meta.putAddress(host, { host: 'x'.repeat(100), port: 1 }).then(
      () => kept.push(host) > 0,
      () => false,
    );
  let number = 0;
  await put('host-0');
  const free = fillUp(folder);
  while (await put(`host-${String(++number)}`));
  free();
  // More than a block of level's log: what is lost depends on where in it the failed record stands.
  for (let later = 0; later < 400; later++) await put(`later-${String(later)}`);
  await meta.close();
  const next = await HostMeta.open(join(folder, 'meta'));
  const found = await next.addresses();
  await next.close();
  t.ok(kept.includes('host-0'));
  t.strictSame(
    kept.filter((host) => !found.has(host)),
    [],
  );
});
