import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import t from 'tap';
import { mounted, testHost, VOLUME } from '../support/host.ts';

const run = promisify(execFile);
const STILL_MS = 200;

/** In a process of its own: a write to a frozen file system hangs whoever makes it. */
async function put(mountPoint: string, name: string): Promise<string> {
  await run('sh', ['-c', 'echo data > "$1" && sync "$1"', 'sh', join(mountPoint, name)]);
  return 'written';
}

t.test('writes wait while a file system is frozen, and go on afterwards', async (t) => {
  const host = await testHost(t);
  const mountPoint = await mounted(host);
  const { writing, during } = await host.drivers.whileQuiet(VOLUME, async (isQuiet) => {
    t.ok(isQuiet);
    const writing = put(mountPoint, 'late');
    return { writing, during: await Promise.race([writing, sleep(STILL_MS, 'waits')]) };
  });
  t.equal(during, 'waits');
  t.equal(await writing, 'written');
});

t.test('what is taken of the device meanwhile needs no replay of its journal', async (t) => {
  const host = await testHost(t);
  await put(await mounted(host), 'before');
  const copy = `${host.server.file}.copy`;
  await host.drivers.whileQuiet(VOLUME, () => {
    copyFileSync(host.server.file, copy);
    return Promise.resolve();
  });
  const features = execFileSync('dumpe2fs', ['-h', copy], { encoding: 'utf8', stdio: 'pipe' });
  t.notMatch(features, /needs_recovery/);
  t.doesNotThrow(() => execFileSync('e2fsck', ['-fn', copy], { stdio: 'ignore' }));
});

t.test('work that fails leaves nothing frozen', async (t) => {
  const host = await testHost(t);
  const mountPoint = await mounted(host);
  const failing = host.drivers.whileQuiet(VOLUME, () => Promise.reject(new Error('no snapshot')));
  await t.rejects(failing, { message: 'no snapshot' });
  t.equal(await put(mountPoint, 'after'), 'written');
});

t.test('what a daemon that died left frozen is thawed by the next one', async (t) => {
  const host = await testHost(t);
  const mountPoint = await mounted(host);
  execFileSync('fsfreeze', ['--freeze', mountPoint]);
  await host.drivers.recover();
  t.equal(await put(mountPoint, 'after'), 'written');
});

t.test('without a mount the work is done all the same, and told so', async (t) => {
  const { drivers } = await testHost(t);
  t.equal(await drivers.whileQuiet(VOLUME, (isQuiet) => Promise.resolve(isQuiet)), false);
});
