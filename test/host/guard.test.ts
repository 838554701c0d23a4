/** The guard of a host's engines, with shells that count for engines: what stops, when, and who goes on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { EngineGuard } from '../../daemon/host/engine-guard.ts';
import { parseStat, statOf } from '../../daemon/host/proc.ts';
import { freezeTree, isFrozen, type ProcessIdentity, thawTree } from '../../daemon/host/process-tree.ts';
import { bootClock } from '../../daemon/sys/clock.ts';
import { quietLog } from '../support/quiet-log.ts';
import { processesBelow } from '../support/host.ts';

const LEASE_MS = 800;
const LEAD_MS = 100;
const LIMIT_MS = 5000;

/**
 * As PostgreSQL has it: a parent, and children each with a session of its own. It writes a line each 5 ms, and waits
 * between them without a child, which would be there for ever where it was stopped and its parent killed.
 */
const ENGINE = `
for child in 1 2 3; do
  setsid tail -F "$1/nothing" >/dev/null 2>&1 &
done
exec 9<> <(:)
while :; do echo line; read -rt 0.005 -u 9; done`;

interface Engine {
  readonly root: ProcessIdentity;
  /** When it wrote its last line, on the clock of leases. */
  readonly lastWordMs: () => number;
}

async function engineIn(t: Test, folder: string): Promise<Engine> {
  const child = spawn('bash', ['-c', ENGINE, 'engine', folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  let lastWordMs = 0;
  child.stdout.on('data', () => {
    lastWordMs = bootClock.nowMs();
  });
  const pid = child.pid ?? 0;
  t.teardown(async () => {
    for (const one of await processesBelow(folder)) kill(one);
    kill(pid);
    child.stdout.destroy();
  });
  await once(child.stdout, 'data');
  const startTicks = (await statOf(pid))?.startTicks ?? 0;
  return { root: { pid, startTicks }, lastWordMs: () => lastWordMs };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ls-guard-'));
  await mkdir(join(folder, 'run'));
  t.teardown(async () => {
    for (const pid of await processesBelow(folder)) kill(pid);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

function guardOf(t: Test, stateDir: string): EngineGuard {
  const guard = new EngineGuard({ stateDir, leaseMs: LEASE_MS, log: quietLog });
  t.teardown(() => guard.close());
  return guard;
}

async function guardPid(folder: string): Promise<number | undefined> {
  return (await guardPids(folder))[0];
}

async function guardPids(folder: string): Promise<readonly number[]> {
  const pids: number[] = [];
  for (const pid of await processesBelow(folder)) {
    const line = await readFile(`/proc/${String(pid)}/cmdline`, 'latin1').catch(() => '');
    if (line.includes('guard-main.ts')) pids.push(pid);
  }
  return pids;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await sleep(5);
  }
}

async function statesBelow(folder: string): Promise<readonly string[]> {
  const pids = await processesBelow(folder);
  const guard = await guardPid(folder);
  const stats = await Promise.all(pids.filter((pid) => pid !== guard).map(statOf));
  return stats.flatMap((stat) => (stat === undefined ? [] : [stat.state]));
}

t.test('an engine is stopped with all of its processes, at once, and goes on with all of them', async (t) => {
  const folder = await folderOf(t);
  const { root, lastWordMs } = await engineIn(t, folder);
  const count = freezeTree(root);
  const atMs = bootClock.nowMs();
  t.ok(count >= 4, `${String(count)} processes`);
  t.ok(isFrozen(root));
  t.ok(
    (await statesBelow(folder)).every((state) => state === 'T' || state === 'D'),
    'also those with a session of their own',
  );
  await sleep(50);
  // What was written before is read a moment later.
  t.ok(lastWordMs() < atMs + 20);
  thawTree(root);
  t.notOk(isFrozen(root));
  await until('it speaks again', () => lastWordMs() > atMs + 50);
  t.notOk((await statesBelow(folder)).includes('T'));
});

t.test('an engine of threads is stopped with all of them when the call returns', async (t) => {
  const THREADS = `
    const { Worker } = require('node:worker_threads');
    for (let i = 0; i < 8; i++) new Worker('for (;;);', { eval: true }).once('online', () => console.log('on'));`;
  const child = spawn(process.execPath, ['-e', THREADS], { stdio: ['ignore', 'pipe', 'ignore'] });
  const pid = child.pid ?? 0;
  t.teardown(() => kill(pid));
  for (let words = ''; words.length < 'on\n'.length * 8;)
    words += String(((await once(child.stdout, 'data')) as [Buffer])[0]);
  const root = { pid, startTicks: (await statOf(pid))?.startTicks ?? 0 };
  const running: string[] = [];
  for (let round = 0; round < 50; round++) {
    freezeTree(root);
    for (const thread of readdirSync(`/proc/${String(pid)}/task`)) {
      const stat = parseStat(readFileSync(`/proc/${String(pid)}/task/${thread}/stat`, 'latin1'));
      if (stat?.state !== 'T') running.push(stat?.state ?? '');
    }
    thawTree(root);
    await sleep(5);
  }
  t.strictSame(running, []);
});

t.test('an engine is silent before its lease ends, and goes on when it is renewed', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  const { root, lastWordMs } = await engineIn(t, folder);
  const endMs = bootClock.nowMs() + 500;
  guard.leaseUntil('orders-1', endMs);
  guard.engine('orders-1', root);
  await until('it is frozen', () => isFrozen(root));
  const atMs = bootClock.nowMs();
  t.ok(atMs < endMs, `${String(Math.round(endMs - atMs))} ms before the end`);
  t.ok(atMs >= endMs - LEAD_MS, 'and not before its time');
  await sleep(200);
  t.ok(lastWordMs() < endMs);
  guard.leaseUntil('orders-1', bootClock.nowMs() + LEASE_MS);
  await until('it goes on', () => !isFrozen(root));
  await until('it speaks', () => lastWordMs() > endMs);
});

t.test('an engine whose lease is renewed in time, or that needs none, is never stopped', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  const { root, lastWordMs } = await engineIn(t, folder);
  guard.leaseUntil('orders-1', bootClock.nowMs() + LEASE_MS);
  guard.engine('orders-1', root);
  let longestMs = 0;
  for (let renewals = 0; renewals < 20; renewals++) {
    guard.leaseUntil('orders-1', bootClock.nowMs() + LEASE_MS);
    await sleep(50);
    longestMs = Math.max(longestMs, bootClock.nowMs() - lastWordMs());
  }
  guard.leaseUntil('orders-1', Infinity);
  await sleep(LEASE_MS * 2);
  t.notOk(isFrozen(root));
  t.ok(longestMs < 500);
});

t.test('a daemon that is gone keeps no engine talking: it is stopped in time by the guard', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  const { root, lastWordMs } = await engineIn(t, folder);
  const endMs = bootClock.nowMs() + 500;
  guard.leaseUntil('orders-1', endMs);
  guard.engine('orders-1', root);
  await guard.close();
  await until('it is frozen', () => isFrozen(root));
  t.ok(bootClock.nowMs() < endMs);
  await sleep(100);
  t.ok(lastWordMs() < endMs);
  const pid = await guardPid(folder);
  const next = guardOf(t, folder);
  await next.ready();
  t.equal(await guardPid(folder), pid, 'the daemon that comes back finds the guard of before');
  next.engine('orders-1', root);
  await sleep(100);
  t.ok(isFrozen(root), 'which waits for a lease');
  next.leaseUntil('orders-1', bootClock.nowMs() + LEASE_MS);
  await until('it goes on', () => !isFrozen(root));
});

t.test('before a lease is given up its engine is silent', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  const { root } = await engineIn(t, folder);
  guard.leaseUntil('orders-1', Infinity);
  guard.engine('orders-1', root);
  guard.leaseUntil('orders-1', -Infinity);
  t.ok(isFrozen(root), 'when the call returns');
  guard.leaseUntil('orders-1', Infinity);
  await until('it goes on when it serves again', () => !isFrozen(root));
});

t.test(
  'a guard that comes late to what it was told lets no engine speak by what was taken back',
  async (t) => {
    const folder = await folderOf(t);
    const guard = guardOf(t, folder);
    await guard.ready();
    const { root, lastWordMs } = await engineIn(t, folder);
    guard.engine('orders-1', root);
    await until('it is frozen', () => isFrozen(root));
    await sleep(50);
    const word = lastWordMs();
    const late = (await guardPid(folder)) ?? 0;
    for (let round = 0; round < 20; round++) {
      process.kill(late, 'SIGSTOP');
      await until('it hangs', async () => (await statOf(late))?.state === 'T');
      guard.leaseUntil('orders-1', Infinity);
      guard.leaseUntil('orders-1', -Infinity);
      process.kill(late, 'SIGCONT');
      await sleep(10);
    }
    t.equal(lastWordMs(), word);
  },
);

t.test('a guard that is killed is replaced, and the new one knows what the old one knew', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  const { root } = await engineIn(t, folder);
  guard.leaseUntil('orders-1', bootClock.nowMs() + 1500);
  guard.engine('orders-1', root);
  const first = (await guardPid(folder)) ?? 0;
  process.kill(first, 'SIGKILL');
  await until('there is another', async () => {
    const pid = await guardPid(folder);
    return pid !== undefined && pid !== first;
  });
  t.notOk(isFrozen(root));
  await until('it is frozen', () => isFrozen(root));
});

t.test(
  'an engine that a killed guard has frozen goes on under the next one, if its lease came back',
  async (t) => {
    const folder = await folderOf(t);
    const guard = guardOf(t, folder);
    await guard.ready();
    const { root, lastWordMs } = await engineIn(t, folder);
    guard.engine('orders-1', root);
    guard.leaseUntil('orders-1', -Infinity);
    await until('it is frozen', () => isFrozen(root));
    process.kill((await guardPid(folder)) ?? 0, 'SIGKILL');
    guard.leaseUntil('orders-1', Infinity);
    const atMs = bootClock.nowMs();
    await until('it speaks', () => lastWordMs() > atMs + 50);
  },
);

t.test('a process of a frozen engine that goes on, or that came late, is stopped again', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  const { root } = await engineIn(t, folder);
  guard.engine('orders-1', root);
  await until('it is frozen', () => isFrozen(root));
  thawTree(root);
  await until('it is frozen again', async () => {
    const states = await statesBelow(folder);
    return isFrozen(root) && states.every((state) => state === 'T' || state === 'D');
  });
});

t.test(
  'a host has one guard, also where a daemon was killed and started again while it started',
  async (t) => {
    const folder = await folderOf(t);
    const daemons = [guardOf(t, folder), guardOf(t, folder)];
    await Promise.all(daemons.map((daemon) => daemon.ready()));
    await until('the other has ended', async () => (await guardPids(folder)).length === 1);
    const last = guardOf(t, folder);
    await last.ready();
    const { root } = await engineIn(t, folder);
    last.engine('orders-1', root);
    await until('it is frozen', () => isFrozen(root));
  },
);

t.test(
  'what an engine whose first process died leaves behind is killed: no lease holds for it',
  async (t) => {
    const folder = await folderOf(t);
    const guard = guardOf(t, folder);
    await guard.ready();
    const { root } = await engineIn(t, folder);
    guard.leaseUntil('orders-1', Infinity);
    guard.engine('orders-1', root);
    await sleep(100);
    kill(root.pid);
    await until('its children are gone', async () => (await statesBelow(folder)).length === 0);
  },
);

t.test('a guard of which nothing was told of a volume lets its engine say nothing', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  const { root } = await engineIn(t, folder);
  guard.engine('orders-1', root);
  await until('it is frozen', () => isFrozen(root));
});

t.test('a guard without an engine is gone when its daemon has closed', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  await guard.close();
  t.equal(await guardPid(folder), undefined);
});

t.test('a guard without an engine ends with its daemon, one with an engine does not', async (t) => {
  const folder = await folderOf(t);
  const guard = guardOf(t, folder);
  await guard.ready();
  const { root } = await engineIn(t, folder);
  guard.leaseUntil('orders-1', Infinity);
  guard.engine('orders-1', root);
  await sleep(50);
  await guard.close();
  await sleep(200);
  t.not(await guardPid(folder), undefined);
  kill(root.pid);
  await until('it ends', async () => (await guardPid(folder)) === undefined);
});
