/** What a host finds of volumes on itself: with a real engine on a real device, after crashes, and without records. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { mounted, running, testHost, VOLUME } from '../support/host.ts';

t.test('an engine on its device is found in all its parts, and nothing after its release', async (t) => {
  const host = await testHost(t);
  await running(host);
  const { processes, mounts, devices, records } = await host.drivers.inventory();
  t.match(
    processes
      .map(({ name, volume, alive }) => ({ name, volume, alive }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    [
      { name: `attach-${VOLUME}`, volume: VOLUME, alive: true },
      { name: `engine-${VOLUME}`, volume: VOLUME, alive: true },
    ],
    'the engine with its children is one process',
  );
  t.same(mounts.map(({ mountPoint }) => mountPoint).sort(), [
    join(host.stateDir, 'attach', VOLUME),
    join(host.stateDir, 'mnt', VOLUME),
  ]);
  t.match(devices, [{ device: /^\/dev\/loop\d+$/, volume: VOLUME }]);
  t.same(records, [{ volume: VOLUME, engine: 'postgresql' }]);
  await host.drivers.release(VOLUME, { force: true });
  t.same(await host.drivers.inventory(), { processes: [], mounts: [], devices: [], records: [] });
});

t.test('what a crash left is found, dead or alive, and a release clears it', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  const [attach] = (await host.drivers.inventory()).processes;
  await rm(join(host.stateDir, 'run', 'volumes', `${VOLUME}.json`));
  process.kill(attach?.pid ?? 0, 'SIGKILL');
  while ((await host.drivers.inventory()).processes.some(({ alive }) => alive));
  const found = await host.drivers.inventory();
  t.match(found.processes, [{ name: `attach-${VOLUME}`, volume: VOLUME, alive: false }]);
  t.equal(found.records.length, 0);
  t.ok(found.mounts.some(({ volume }) => volume === VOLUME));
  await host.drivers.release(VOLUME, { force: true });
  t.same(await host.drivers.inventory(), { processes: [], mounts: [], devices: [], records: [] });
});

t.test('a process that lost its record is found by what it was started with', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await rm(join(host.stateDir, 'run', `attach-${VOLUME}.json`));
  t.match((await host.drivers.inventory()).processes, [
    { name: 'qemu-storage-da', volume: VOLUME, alive: true },
  ]);
  await host.drivers.release(VOLUME, { force: true });
  t.same((await host.drivers.inventory()).processes, []);
});

t.test('a file of an attach that never came to be is told as the remains of a device', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await host.drivers.release(VOLUME, { force: true });
  await writeFile(join(host.stateDir, 'attach', 'stray'), '');
  t.same((await host.drivers.inventory()).devices, [{ device: '', volume: 'stray' }]);
  await host.drivers.release('stray', { force: true });
  t.same((await host.drivers.inventory()).devices, []);
});
