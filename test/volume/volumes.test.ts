/** The registry of a host's volumes, on real files and a real level database. */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { layerFile } from '../../bench/lib/layer-file.ts';
import { Fallback } from '../../daemon/store/fallback.ts';
import { openVolumes, SIZE, soloVolume } from '../support/open-volumes.ts';

const dataOf = (folder: string): Promise<string> => layerFile(folder, 'v');
const fallbackOf = (folder: string): string => join(folder, 'volumes', 'v', 'fallback');

t.test('a create that is asked again while the first is at work keeps the file that is served', async (t) => {
  const { folder, volumes } = await openVolumes(t);
  await Promise.all([volumes.create('v', SIZE), volumes.create('v', SIZE)]);
  volumes.require('v').file.write(0, Buffer.from('kept'));
  t.equal(readFileSync(await dataOf(folder)).subarray(0, 4).toString(), 'kept');
});

t.test('a delete behind a create that is under way leaves nothing', async (t) => {
  const { folder, volumes } = await openVolumes(t);
  await Promise.all([volumes.create('v', SIZE), volumes.delete('v')]);
  t.equal(volumes.get('v'), undefined);
  t.strictSame(readdirSync(join(folder, 'layers')), []);
  t.strictSame(readdirSync(join(folder, 'volumes')), []);
});

t.test('a delete that is refused at the last moment deletes nothing', async (t) => {
  const { folder, volumes } = await openVolumes(t);
  await volumes.create('v', SIZE);
  const refused = volumes.delete('v', () => {
    throw new Error('it was promoted meanwhile');
  });
  await t.rejects(refused, /promoted/);
  t.ok(volumes.get('v'));
  t.ok(existsSync(await dataOf(folder)));
});

t.test('a name that leads out of the folder is refused, and nothing is removed', async (t) => {
  const { folder, volumes } = await openVolumes(t);
  mkdirSync(join(folder, 'precious'));
  for (const name of ['..', '../precious', '', 'a/b', '.hidden', 'x'.repeat(64)]) {
    await t.rejects(volumes.create(name, SIZE), { code: 'INVALID_ARGUMENT', message: /^volume is / }, name);
    await t.rejects(volumes.delete(name), { code: 'INVALID_ARGUMENT' }, name);
  }
  t.ok(existsSync(join(folder, 'precious')));
});

t.test('a size that is no whole number of regions is refused before anything is created', async (t) => {
  const { volumes, again } = await openVolumes(t);
  for (const size of [0, -65_536, 1000, 65_537, NaN, 2 ** 60])
    await t.rejects(volumes.create('v', size), { code: 'INVALID_ARGUMENT', message: /^size_bytes is / });
  t.strictSame((await again()).volumes.all(), []);
});

t.test(
  'a volume that cannot be opened is named with the reason, and its generation is not forgotten',
  async (t) => {
    const { folder, volumes, again } = await openVolumes(t);
    await volumes.create('w', SIZE);
    await soloVolume(volumes);
    const fd = openSync(await dataOf(folder), 'r+');
    ftruncateSync(fd, 1000);
    closeSync(fd);
    const { volumes: after } = await again();
    t.ok(after.get('w'), 'the others serve on');
    t.throws(() => after.require('v'), { code: 'NOT_FOUND', message: /has 1000 of its 1048576 bytes/ });
    t.match(after.unopened(), [{ volume: 'v', generation: 1, why: /has 1000 of its 1048576 bytes/ }]);
    t.equal(after.generationOf('v'), 1);
    t.equal(after.generationOf('w'), 0);
  },
);

t.test('what was kept for a copy that is over is removed at the start, whatever it is', async (t) => {
  const { folder, volumes, again } = await openVolumes(t);
  await soloVolume(volumes);
  writeFileSync(fallbackOf(folder), 'left over');
  const { volumes: after } = await again();
  t.ok(after.get('v'));
  t.notOk(existsSync(fallbackOf(folder)));
});

t.test('a replica in the middle of a copy finds what it kept, and is not opened without', async (t) => {
  const { folder, volumes, meta, again } = await openVolumes(t);
  await volumes.create('v', SIZE);
  const [record] = await meta.list();
  t.ok(record);
  if (record === undefined) return;
  const { volume, sizeBytes, durable } = record;
  await meta.put({ volume, sizeBytes, durable: { ...durable, blank: false, mixed: true, consistentAt: 3 } });
  const store = volumes.require('v').file;
  store.write(0, Buffer.from('before'));
  const fallback = new Fallback(fallbackOf(folder), store);
  for (const region of [0, 1]) await new Promise((resolve) => fallback.preserve([region], resolve));
  fallback.close();
  store.write(0, Buffer.from('of the copy'));
  const next = await again();
  next.volumes.force('v', { generation: 9, primary: 'a', inSync: ['a'] });
  while (next.volumes.require('v').state !== 'SOLO') await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(readFileSync(await dataOf(folder)).subarray(0, 11).toString(), 'before\0\0\0\0\0');
  // Once more in the middle of a copy, and with a fallback that lost its first entry.
  await next.meta.put({ volume, sizeBytes, durable: { ...durable, mixed: true, consistentAt: 3 } });
  const damaged = new Fallback(fallbackOf(folder), next.volumes.require('v').file);
  for (const region of [0, 1]) await new Promise((resolve) => damaged.preserve([region], resolve));
  damaged.close();
  writeFileSync(
    fallbackOf(folder),
    Buffer.concat([Buffer.alloc(512), readFileSync(fallbackOf(folder)).subarray(512)]),
  );
  const { volumes: last } = await next.again();
  t.throws(() => last.require('v'), { code: 'NOT_FOUND', message: /fallback is damaged/ });
});
