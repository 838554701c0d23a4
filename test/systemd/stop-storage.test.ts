import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';

const script = resolve(import.meta.dirname, '../../systemd/stop-storage.sh');
/** How long the daemon of these tests takes to release its host. */
const RELEASE_MS = 300;

/** A process that answers SIGUSR2 as the daemon does: it ends, some time later. */
async function daemon(t: Test): Promise<ChildProcess> {
  const code = `process.on('SIGUSR2', () => setTimeout(() => process.exit(0), ${RELEASE_MS}));
    setInterval(() => {}, 1000); console.log('ready');`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

/** `state` is what systemctl answers about the machine. */
async function stop(child: ChildProcess, folder: string, state: string): Promise<void> {
  const systemctl = join(folder, 'systemctl');
  writeFileSync(systemctl, `#!/bin/sh\necho ${state}\n`, { mode: 0o755 });
  const env = {
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    MAINPID: String(child.pid),
    LOCKSTEP_RELEASE_FILE: join(folder, 'release'),
  };
  await promisify(execFile)('sh', [script], { env });
}

t.test('a restart of the unit leaves the daemon to systemd', async (t) => {
  const child = await daemon(t);
  await stop(child, t.testdir({}), 'running');
  await sleep(2 * RELEASE_MS);
  t.equal(child.exitCode, null);
});

t.test('a shutdown of the machine releases the host, and waits for it', async (t) => {
  const child = await daemon(t);
  const exited = once(child, 'exit');
  await stop(child, t.testdir({}), 'stopping');
  t.strictSame(await exited, [0, null]);
});

t.test('the file that asks for a release is obeyed once', async (t) => {
  const child = await daemon(t);
  const exited = once(child, 'exit');
  const folder = t.testdir({ release: '' });
  await stop(child, folder, 'running');
  t.strictSame(await exited, [0, null]);
  t.notOk(existsSync(join(folder, 'release')));
});
