import { execFileSync } from 'node:child_process';
import t from 'tap';
import { ext4 } from '../../daemon/host/ext4.ts';
import { mounted, testHost, VOLUME, VOLUME_BYTES } from '../support/host.ts';

const uuidOf = (device: string): string =>
  execFileSync('blkid', ['-p', '-o', 'value', '-s', 'UUID', device], { encoding: 'utf8' }).trim();

t.test('a file system that is there is left as it is', async (t) => {
  const { drivers } = await testHost(t);
  const device = await drivers.attach(VOLUME, VOLUME_BYTES);
  await drivers.makeFileSystem(VOLUME);
  const uuid = uuidOf(device);
  await drivers.makeFileSystem(VOLUME);
  t.equal(uuidOf(device), uuid);
});

t.test('a device that holds something else is refused', async (t) => {
  const { drivers } = await testHost(t);
  const device = await drivers.attach(VOLUME, VOLUME_BYTES);
  execFileSync('mkswap', [device], { stdio: 'ignore' });
  await t.rejects(drivers.makeFileSystem(VOLUME), {
    code: 'FAILED_PRECONDITION',
    reason: 'DEVICE_NOT_EMPTY',
  });
});

t.test('a new file system passes its check', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await host.drivers.release(VOLUME, { force: false });
  t.doesNotThrow(() => execFileSync('e2fsck', ['-fn', host.server.file], { stdio: 'ignore' }));
});

t.test('a second mount answers the same mount point', async (t) => {
  const host = await testHost(t);
  t.equal(await mounted(host), await host.drivers.mount(VOLUME));
});

t.test('a mount point that something else is mounted on is refused', async (t) => {
  const [one, other] = await Promise.all([testHost(t), testHost(t)]);
  const mountPoint = await mounted(one);
  const device = await other.drivers.attach(VOLUME, VOLUME_BYTES);
  await t.rejects(ext4.mount(device, mountPoint), {
    code: 'FAILED_PRECONDITION',
    reason: 'MOUNT_POINT_IN_USE',
  });
});

t.test('a volume that is not attached cannot be mounted', async (t) => {
  const { drivers } = await testHost(t);
  await t.rejects(drivers.mount(VOLUME), { code: 'FAILED_PRECONDITION', reason: 'NOT_ATTACHED' });
});
