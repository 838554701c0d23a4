import t from 'tap';
import { Pair } from '../support/pair.ts';

const MIB = 1024 * 1024;

t.test('a primary that restarts pulls more than a link may hold', async (t) => {
  const pair = new Pair(320 * MIB);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  const done = Promise.withResolvers<unknown>();
  // Not flushed: all of it may differ, as far as the secondary knows.
  a.volume().submit({ kind: 'trim', offset: 0, length: 300 * MIB, fua: false }, done.resolve);
  t.strictSame(await done.promise, { ok: true });
  t.ok(b.volume().status.unstableRegions * 65_536 > 256 * MIB);
  // As if the primary had died between the secondary's answer and its own write.
  b.volume().file.write(200 * MIB, Buffer.from('only here'));
  await a.stop();
  const again = await pair.start('a');
  await pair.until(() => again.volume().state === 'SERVING', 30_000);
  t.equal(
    again
      .volume()
      .file.read({ offset: 200 * MIB, length: 9 })
      .toString(),
    'only here',
  );
  t.equal(pair.record.generation, 2, 'in the generation that there was');
});
