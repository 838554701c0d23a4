/** The clients that people use against the product's own export, replicated to a second host over a real link. */
import t from 'tap';
import { attempt, output } from '../support/client-command.ts';
import {
  checkFio,
  checkNbdcopy,
  checkNbdinfo,
  checkQemuIo,
  type ServedExport,
} from '../support/nbd-real-clients.ts';
import { Pair, VOLUME } from '../support/pair.ts';

const SIZE_BYTES = 8 * 1024 * 1024;

const pair = new Pair(SIZE_BYTES);
t.teardown(() => pair.stop());
const { a, b } = await pair.inSync();
const served: ServedExport = {
  uri: `nbd+unix:///${VOLUME}?socket=${a.nbdSocket}`,
  name: VOLUME,
  description: 'generation 2',
  sizeBytes: SIZE_BYTES,
};

t.test('nbdinfo sees what a replicated export can do', (t) => checkNbdinfo(t, served));
t.test('nbdcopy copies to a replicated export and back', (t) => checkNbdcopy(t, served));
t.test('qemu-io reads what it wrote, zeroed and discarded', (t) => checkQemuIo(t, served));
t.test('fio verifies what it wrote', (t) => checkFio(t, served));
t.test('the secondary shows the same, read-only', async (t) => {
  const secondary = `nbd+unix:///${VOLUME}@secondary?socket=${b.nbdSocket}`;
  await output('nbdinfo', '--is', 'read-only', secondary);
  await output('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', served.uri, secondary);
  t.match(await attempt('qemu-io', '-f', 'raw', '-c', 'write 0 4k', secondary), { status: 1 });
});
t.test('after all of it both hosts hold the same bytes', (t) => {
  t.equal(a.volume().state, 'SERVING');
  t.ok(a.data().equals(b.data()));
  t.end();
});
