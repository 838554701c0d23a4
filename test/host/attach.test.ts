import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { listLoopDevices, loopDeviceOf, mountAt } from '../../daemon/host/mounts.ts';
import { killAttach, MIB, mounted, testHost, traces, VOLUME, VOLUME_BYTES } from '../support/host.ts';

t.test('an attached volume is a block device of its size with direct I/O', async (t) => {
  const { drivers } = await testHost(t);
  const name = (await drivers.attach(VOLUME, VOLUME_BYTES)).replace('/dev/', '');
  t.equal(Number(await readFile(`/sys/block/${name}/size`, 'utf8')) * 512, VOLUME_BYTES);
  t.equal((await readFile(`/sys/block/${name}/loop/dio`, 'utf8')).trim(), '1');
  t.equal((await readFile(`/sys/block/${name}/queue/logical_block_size`, 'utf8')).trim(), '512');
});

t.test('many large writes at once all arrive with their own bytes', async (t) => {
  // The defect of QEMU's FUSE export that attach-qemu.ts works around: without its limit most of these are wrong.
  const { drivers, server } = await testHost(t);
  const device = await open(await drivers.attach(VOLUME, VOLUME_BYTES), 'r+');
  const data = randomBytes(16 * MIB);
  await device.write(data, 0, data.length, 0);
  await device.sync();
  await device.close();
  const image = await open(server.file, 'r');
  const stored = Buffer.alloc(data.length);
  await image.read(stored, 0, stored.length, 0);
  await image.close();
  t.ok(stored.equals(data));
});

t.test('a discard reaches the server', async (t) => {
  const { drivers, server } = await testHost(t);
  const device = await drivers.attach(VOLUME, VOLUME_BYTES);
  execFileSync('dd', ['if=/dev/urandom', `of=${device}`, 'bs=1M', 'count=8', 'oflag=direct', 'status=none']);
  const before = (await stat(server.file)).blocks;
  execFileSync('blkdiscard', ['--offset', '0', '--length', String(8 * MIB), device]);
  const after = (await stat(server.file)).blocks;
  t.ok(before - after >= (7 * MIB) / 512, `${String(before)} blocks before, ${String(after)} after`);
});

t.test('a second attach answers the same device', async (t) => {
  const { drivers, again } = await testHost(t);
  const device = await drivers.attach(VOLUME, VOLUME_BYTES);
  t.equal(await again().attach(VOLUME, VOLUME_BYTES), device);
});

t.test('a server that is not there is a typed error with the last words of the client', async (t) => {
  const { drivers, server, folder } = await testHost(t);
  await server.kill();
  await t.rejects(drivers.attach(VOLUME, VOLUME_BYTES), {
    code: 'UNAVAILABLE',
    message: /Failed to connect/,
  });
  t.strictSame(await traces(folder), []);
});

t.test('an export of another size than its record is refused and taken away', async (t) => {
  const { drivers, folder } = await testHost(t);
  await t.rejects(drivers.attach(VOLUME, 2 * VOLUME_BYTES), {
    code: 'FAILED_PRECONDITION',
    reason: 'SIZE_MISMATCH',
  });
  t.strictSame(await traces(folder), []);
});

t.test('a volume that is still mounted is not detached', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await t.rejects(host.drivers.detach(VOLUME, { force: false }), {
    code: 'FAILED_PRECONDITION',
    reason: 'STILL_MOUNTED',
  });
});

t.test('a release leaves no mount, no device and no process', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await host.drivers.release(VOLUME, { force: false });
  t.strictSame(await traces(host.folder), []);
});

t.test('writes go on without a failure after the server was killed and started again', async (t) => {
  const host = await testHost(t);
  const mountPoint = await mounted(host);
  const writer = spawn('dd', [
    'if=/dev/urandom',
    `of=${join(mountPoint, 'file')}`,
    'bs=64k',
    'count=400',
    'oflag=dsync',
  ]);
  t.teardown(() => writer.kill('SIGKILL'));
  const ended = once(writer, 'exit');
  for (let round = 0; round < 3; round++) {
    await sleep(80);
    await host.server.kill('SIGKILL');
    await sleep(80);
    await host.server.run();
  }
  t.strictSame(await ended, [0, null]);
  await host.drivers.release(VOLUME, { force: false });
  execFileSync('e2fsck', ['-fn', host.server.file], { stdio: 'ignore' });
});

t.test('a forced release clears what a killed client left', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await killAttach(host);
  await host.drivers.release(VOLUME, { force: true });
  t.strictSame(await traces(host.folder), []);
});

t.test('an attach clears what a killed client left, and the file system is whole', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await killAttach(host);
  await host.drivers.attach(VOLUME, VOLUME_BYTES);
  t.ok(await host.drivers.mount(VOLUME));
});

t.test('a forced release does not wait for a server that answers nothing', async (t) => {
  const host = await testHost(t);
  const mountPoint = await mounted(host);
  host.server.freeze();
  const writer = spawn('dd', [
    'if=/dev/zero',
    `of=${join(mountPoint, 'file')}`,
    'bs=64k',
    'count=100',
    'oflag=dsync',
  ]);
  const ended = once(writer, 'exit');
  await sleep(50);
  await host.drivers.release(VOLUME, { force: true });
  await ended;
  t.strictSame(await traces(host.folder), []);
});

t.test('recover leaves a living attach alone', async (t) => {
  const host = await testHost(t);
  const mountPoint = await mounted(host);
  const device = await host.drivers.deviceOf(VOLUME);
  const next = host.again();
  await next.recover();
  t.equal(await next.deviceOf(VOLUME), device);
  t.ok(await mountAt(mountPoint));
});

t.test('recover clears a dead attach', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await killAttach(host);
  await host.again().recover();
  t.strictSame(await traces(host.folder), []);
});

t.test('recover is not kept from its other volumes by one that cannot be cleared', async (t) => {
  const host = await testHost(t);
  const device = await host.drivers.attach(VOLUME, VOLUME_BYTES);
  const holder = await open(device, 'r');
  await killAttach(host);
  await t.resolves(host.again().recover(), 'the daemon starts');
  t.not((await traces(host.folder)).length, 0, 'the device is in use, and was left');
  await holder.close();
  await host.again().recover();
  t.strictSame(await traces(host.folder), []);
});

t.test('two daemons on one machine do not touch each other', async (t) => {
  const [one, other] = await Promise.all([testHost(t, { name: 'a1' }), testHost(t, { name: 'b1' })]);
  const mountPoint = await mounted(other);
  await mounted(one);
  await one.drivers.releaseAll({ force: true });
  await one.again().recover();
  t.ok(await mountAt(mountPoint));
  t.equal(
    (await loopDeviceOf(join(other.stateDir, 'attach', VOLUME)))?.path,
    await other.drivers.deviceOf(VOLUME),
  );
  t.equal((await listLoopDevices()).filter((loop) => loop.backingFile.startsWith(one.stateDir)).length, 0);
});
