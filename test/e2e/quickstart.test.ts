/** The quick start and the command as a person uses them: the scripts themselves, in a terminal-less shell. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { processesOf } from '../../client/quickstart/processes.ts';
import { tracesOf } from '../../client/quickstart/traces.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const LOCKSTEP = join(ROOT, 'client', 'cli', 'lockstep.sh');
const QUICKSTART = join(ROOT, 'client', 'quickstart', 'quickstart.sh');
const execute = promisify(execFile);
t.setTimeout(300_000);

interface Place {
  readonly state: string;
  readonly server: string;
  readonly network: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** A state folder and a home folder of its own; whatever a test leaves there is removed by the product's own means. */
function place(t: Test, network: string): Place {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-')));
  const server = `${network}.10:7400`;
  const environment = { ...process.env, HOME: folder, LOCKSTEP_SERVER: server, NO_COLOR: '1' };
  const here = {
    state: join('/var/lib', `lockstep-test-${String(process.pid)}`),
    server,
    network,
    environment,
  };
  t.teardown(async () => {
    await quickstart(here, '--clean').catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  });
  return here;
}

async function quickstart({ state, network, environment }: Place, ...args: string[]): Promise<string> {
  const all = [QUICKSTART, ...args, '--state', state, '--network', network];
  return (await execute('sh', all, { env: environment, cwd: ROOT })).stdout;
}

async function lockstep({ environment }: Place, ...args: string[]): Promise<string> {
  return (await execute('sh', [LOCKSTEP, ...args], { env: environment })).stdout;
}

/** What a command that must fail says on stderr. */
async function refusal(command: Promise<string>): Promise<string> {
  return command.then(
    (stdout) => `succeeded: ${stdout}`,
    (error: unknown) => (error as { readonly stderr: string }).stderr,
  );
}

async function nothingIsLeft(t: Test, { state }: Place): Promise<void> {
  const { loops, mounts } = await tracesOf(state);
  const processes = (await processesOf(state)).map((info) => info.argv.join(' '));
  t.strictSame({ loops, mounts, processes }, { loops: [], mounts: [], processes: [] });
  t.notOk(existsSync(state), 'the folder is gone');
}

t.test('a person starts, uses, stops, starts again and cleans', async (t) => {
  const here = place(t, '127.0.81');
  const first = await quickstart(here);
  t.match(first, /\[14\/14\] .*: done/, 'each task was shown');
  t.match(first, /orders is ready: PostgreSQL/);
  t.match(first, 'npx lockstep status');

  const uri = /psql '(postgresql:[^']+)'/.exec(first)?.[1] ?? '';
  const select = async (sql: string) => (await execute('psql', [uri, '-Atc', sql])).stdout.trim();
  await select('CREATE TABLE kept AS SELECT 42 AS answer');
  t.equal(await select('SELECT answer FROM kept'), '42', 'the printed connection string works');

  await t.test('dig gets the alias over UDP and TCP', async (t) => {
    for (const transport of ['+notcp', '+tcp']) {
      const question = ['@127.0.81.10', 'orders.db.lockstep.internal', '+short', transport];
      t.equal((await execute('dig', question)).stdout.trim(), '127.0.81.11');
    }
  });

  await t.test('the command tells what there is', async (t) => {
    t.match(await lockstep(here, 'status'), /HEALTHY/);
    const status = JSON.parse(await lockstep(here, 'status', '-o', 'json')) as unknown;
    t.match(status, {
      databases: [{ state: 'ACTIVE', redundancy: 'IN_SYNC', safeToFailOver: true, lagBytes: 0 }],
    });
    t.match(await lockstep(here, 'database', 'list'), /orders/);
    t.match(await lockstep(here, 'operation', 'list'), /create-database/);
    t.equal(
      (await lockstep(here, 'connect', 'orders', '--', '-Atc', 'SELECT answer FROM kept')).trim(),
      '42',
    );
  });

  await t.test('metrics are served by each daemon', async (t) => {
    for (const last of ['10', '11', '12']) {
      const text = await (await fetch(`http://127.0.81.${last}:7402/metrics`)).text();
      t.match(text, /^lockstep_build_info\{.*\} 1$/m);
    }
    const primary = await (await fetch('http://127.0.81.11:7402/metrics')).text();
    t.match(primary, /lockstep_replica_state\{volume="orders-[^}]*state="SERVING"[^}]*\} 1/);
  });

  t.match(await quickstart(here), /orders is there already/, 'a second run finds what is there');

  await t.test('a failover that a person asks for', async (t) => {
    await lockstep(here, 'database', 'failover', 'orders');
    t.equal(await select('SELECT answer FROM kept'), '42');
    const question = ['@127.0.81.10', 'orders.db.lockstep.internal', '+short'];
    t.equal((await execute('dig', question)).stdout.trim(), '127.0.81.12');
    t.match(await lockstep(here, 'database', 'events', 'orders'), /FAILED_OVER/);
  });

  t.match(await quickstart(here, '--stop'), /Stopped/);
  t.strictSame(await processesOf(here.state), [], 'nothing runs');
  t.ok(existsSync(here.state), 'the data is kept');
  await t.rejects(lockstep(here, 'status'), { code: 1 }, 'status says that control is not reached');

  t.match(await quickstart(here), /orders is ready/);
  t.equal(await select('SELECT answer FROM kept'), '42', 'the same database is back');

  await quickstart(here, '--clean');
  await nothingIsLeft(t, here);
});

t.test('Ctrl-C at any moment leaves what --clean can deal with', async (t) => {
  const here = place(t, '127.0.82');
  for (const afterMs of [300, 1500, 2500, 3500, 5000]) {
    const all = [QUICKSTART, '--state', here.state, '--network', here.network];
    const child = spawn('sh', all, { env: here.environment, cwd: ROOT, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await sleep(afterMs);
    child.kill('SIGINT');
    await ended;
    await quickstart(here, '--clean');
    await nothingIsLeft(t, here);
  }
});

t.test('a start on the folder of another thing is refused before anything is made', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const here = { ...place(t, '127.0.83'), state: join(folder, 'x') };
  await execute('mkdir', [here.state]);
  await execute('touch', [join(here.state, 'precious')]);
  for (const args of [[], ['--clean']])
    t.match(await refusal(quickstart(here, ...args)), /is not a quick start's folder/);
  t.equal(readFileSync(join(here.state, 'precious'), 'utf8'), '');
});
