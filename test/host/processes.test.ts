import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { LOG_FILE_BYTES } from '../../daemon/host/limits.ts';
import { bootIdOfMachine, statOf } from '../../daemon/host/proc.ts';
import { boundLog, logTail, type ProcessSpec, ProcessSupervisor } from '../../daemon/host/processes.ts';

interface Bench {
  readonly runDir: string;
  readonly supervisor: ProcessSupervisor;
  readonly spec: ProcessSpec;
}

/** A shell that waits for a child of its own; its marker is an argument that the script does not use. */
async function bench(t: Test, script = 'sleep 60; :'): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'ls-'));
  const marker = join(folder, 'marker');
  const runDir = join(folder, 'run');
  const supervisor = new ProcessSupervisor({ runDir, host: 'a1' });
  const belongings = { programs: ['sh'], marker };
  const spec = {
    name: 'one',
    program: 'sh',
    args: ['-c', script, marker],
    belongings,
    logFile: join(folder, 'log'),
  };
  t.teardown(async () => {
    await supervisor.killTree('one', belongings);
    await rm(folder, { recursive: true, force: true });
  });
  return { runDir, supervisor, spec };
}

/** The children of a process, as the kernel lists them. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  for (let tries = 0; tries < 200; tries++) {
    const text = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
    if (text !== '') return text.trim().split(' ').map(Number);
    await sleep(10);
  }
  return [];
}

t.test('a second start answers the process that runs', async (t) => {
  const { supervisor, spec } = await bench(t);
  t.equal(await supervisor.start(spec), await supervisor.start(spec));
});

t.test('another daemon on the same state folder finds the process', async (t) => {
  const { supervisor, spec, runDir } = await bench(t);
  const pid = await supervisor.start(spec);
  t.equal(await new ProcessSupervisor({ runDir, host: 'a1' }).pidOf('one'), pid);
});

t.test('the process has a session of its own and carries the name of its host', async (t) => {
  const { supervisor, spec } = await bench(t);
  const pid = await supervisor.start(spec);
  const session = (await readFile(`/proc/${String(pid)}/stat`, 'utf8')).split(') ')[1]?.split(' ')[3];
  t.equal(session, String(pid));
  t.match(await readFile(`/proc/${String(pid)}/environ`, 'utf8'), 'LOCKSTEP_HOST=a1\0');
});

t.test('a pid that is used again is not mistaken for the recorded process', async (t) => {
  const { supervisor, spec, runDir } = await bench(t);
  await supervisor.start(spec);
  await supervisor.killTree('one', spec.belongings);
  const own = await statOf(process.pid);
  await writeFile(
    join(runDir, 'one.json'),
    JSON.stringify({
      pid: process.pid,
      startTicks: (own?.startTicks ?? 0) - 1,
      bootId: bootIdOfMachine(),
    }),
  );
  t.equal(await supervisor.pidOf('one'), undefined);
});

t.test('a process of this boot is not mistaken for one that was recorded before it', async (t) => {
  const { supervisor, spec, runDir } = await bench(t);
  await supervisor.start(spec);
  const path = join(runDir, 'one.json');
  const record = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...record, bootId: 'the one before' }));
  t.equal(await supervisor.pidOf('one'), undefined);
});

t.test('an orphan without a record is killed before a new start', async (t) => {
  const { supervisor, spec, runDir } = await bench(t);
  const orphan = await supervisor.start(spec);
  await rm(join(runDir, 'one.json'));
  const pid = await supervisor.start(spec);
  t.not(pid, orphan);
  t.equal(await statOf(orphan), undefined);
});

t.test('a program that is not ours may name our path', async (t) => {
  const { supervisor, spec } = await bench(t);
  const stranger = spawn('tail', ['-f', '/dev/null', spec.belongings.marker ?? ''], { stdio: 'ignore' });
  t.teardown(() => stranger.kill('SIGKILL'));
  await once(stranger, 'spawn');
  await supervisor.start(spec);
  await supervisor.killTree('one', spec.belongings);
  t.equal(stranger.signalCode, null);
});

t.test('a killed tree leaves no child behind', async (t) => {
  const { supervisor, spec } = await bench(t);
  const [child] = await childrenOf(await supervisor.start(spec));
  t.ok(child);
  t.strictSame(await supervisor.killTree('one', spec.belongings), []);
  t.equal(await statOf(child ?? 0), undefined);
  t.equal(await supervisor.isRecorded('one'), false);
});

t.test('what does not end by a signal is killed after the grace', async (t) => {
  const { supervisor, spec } = await bench(t, "trap '' TERM; while :; do sleep 0.05; done");
  await supervisor.start(spec);
  await childrenOf((await supervisor.pidOf('one')) ?? 0);
  const outcome = await supervisor.stop('one', { signal: 'SIGTERM', graceMs: 100, ...spec.belongings });
  t.equal(outcome, 'killed');
  t.equal(await supervisor.isAlive('one'), false);
});

t.test('a program that is not there is a typed error', async (t) => {
  const { supervisor, spec } = await bench(t);
  await t.rejects(supervisor.start({ ...spec, program: 'no-such-program' }), {
    code: 'FAILED_PRECONDITION',
    reason: 'PROGRAM_MISSING',
  });
});

t.test(
  'the log of a process that lives on is kept within bounds, and the process goes on with it',
  async (t) => {
    const { supervisor, spec } = await bench(
      t,
      'mkfifo "$0.in"; echo old; while read -r line; do echo "$line"; done < "$0.in"',
    );
    await supervisor.start(spec);
    while ((await stat(spec.logFile)).size === 0) await sleep(5);
    const input = await open(`${spec.belongings.marker ?? ''}.in`, 'w');
    await truncate(spec.logFile, LOG_FILE_BYTES + 1);
    await Promise.all([boundLog(spec.logFile), boundLog(spec.logFile)]);
    await input.write('new\n');
    while ((await stat(spec.logFile)).size === 0) await sleep(5);
    await input.close();
    t.equal(await readFile(spec.logFile, 'utf8'), 'new\n', 'it appends: there is no hole before it');
    t.equal((await stat(`${spec.logFile}.1`)).size, LOG_FILE_BYTES + 1);
  },
);

t.test('a small log is left as it is, and one that is not there is none', async (t) => {
  const log = join(t.testdir({ log: 'words' }), 'log');
  await boundLog(log);
  await boundLog(`${log}-absent`);
  t.equal(await readFile(log, 'utf8'), 'words');
});

t.test('the last lines of a log that was moved aside meanwhile are those of the new one', async (t) => {
  const log = join(t.testdir({ log: 'why it failed\n' }), 'log');
  t.strictSame(await logTail(log, 1000), ['why it failed']);
});
