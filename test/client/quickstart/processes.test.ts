import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { killProcessesOf, type ProcessInfo, processesBelow } from '../../../client/quickstart/processes.ts';

const FOLDER = '/x/a';
const none: ReadonlySet<number> = new Set();

function info(pid: number, changes: Partial<ProcessInfo>): ProcessInfo {
  return {
    pid,
    parent: 1,
    state: 'S',
    startTicks: pid,
    program: '',
    command: '',
    argv: [],
    workingFolder: '/',
    ...changes,
  };
}

function found(...all: ProcessInfo[]): readonly number[] {
  return processesBelow(all, FOLDER, none).map((process) => process.pid);
}

const daemonArgv = ['node', '/src/daemon/main.ts', '--config', '/x/a/config.toml'];

t.test('a daemon is known by its configuration', async (t) => {
  t.same(found(info(2, { program: 'node', argv: daemonArgv })), [2]);
});

t.test('a device server is known by a path inside an option', async (t) => {
  const argv = ['qemu-storage-daemon', '--export', 'type=fuse,id=e,mountpoint=/x/a/state/orders,writable=on'];
  t.same(found(info(2, { program: 'qemu-storage-daemon', argv })), [2]);
});

t.test('an engine that renamed itself is known by its working folder', async (t) => {
  t.same(
    found(info(2, { program: 'postgres', argv: ['postgres: checkpointer'], workingFolder: '/x/a/m/data' })),
    [2],
  );
});

t.test('what descends from one of them is one of them', async (t) => {
  const all = [
    info(4, { parent: 3 }),
    info(3, { parent: 2 }),
    info(2, { program: 'node', argv: daemonArgv }),
  ];
  t.same(found(...all).toSorted(), [2, 3, 4]);
});

t.test("a neighbour's folder with a longer name is another folder", async (t) => {
  const argv = ['postgres', '-D', '/x/ab/data', '/y/x/a'];
  t.same(found(info(2, { program: 'postgres', argv, workingFolder: '/x/ab' })), []);
});

t.test('a person who looks at a log, and a test that is told the folder, are left alone', async (t) => {
  const all = [
    info(2, { program: 'tail', argv: ['tail', '-f', '/x/a/daemon.log'], workingFolder: '/x/a' }),
    info(3, { program: 'node', argv: ['node', '/src/test/e2e.test.ts', '--state', '/x/a'] }),
    info(4, { program: 'bash', workingFolder: '/x/a' }),
  ];
  t.same(found(...all), []);
});

t.test(
  'the caller and those it descends from are spared, and not taken for a host because of their words',
  async (t) => {
    const all = [info(2, { program: 'node', argv: daemonArgv }), info(3, { parent: 2 })];
    t.same(processesBelow(all, FOLDER, new Set([2])), []);
  },
);

t.test('processes of the folder are killed, and none beside it', async (t) => {
  const root = t.testdir({});
  mkdirSync(join(root, 'a'));
  mkdirSync(join(root, 'ab'));
  // A program of a name that hosts run, which does nothing.
  const program = join(root, 'postgres');
  copyFileSync('/bin/sleep', program);
  const start = (folder: string) => spawn(program, ['60'], { cwd: join(root, folder), stdio: 'ignore' });
  const [inside, beside] = [start('a'), start('ab')];
  t.teardown(() => {
    inside.kill('SIGKILL');
    beside.kill('SIGKILL');
  });
  await Promise.all([once(inside, 'spawn'), once(beside, 'spawn')]);
  const killed = await killProcessesOf(join(root, 'a'));
  t.same(
    killed.map((process) => process.pid),
    [inside.pid],
  );
  t.equal(beside.exitCode ?? beside.signalCode, null);
});
