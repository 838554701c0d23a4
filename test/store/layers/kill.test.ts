/** The layered store on a real file system: whole lives of it, and processes that are killed at any instant. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { checkFiles, checkMerged, checkRecovered, checkSums, untilDone } from '../../support/crash/check.ts';
import { readEvents } from '../../support/crash/event-log.ts';
import { openStore } from '../../support/crash/host.ts';
import { BOOT_ID } from '../../support/crash/killed-process.ts';
import { Life } from '../../support/crash/life.ts';
import { Model } from '../../support/crash/model.ts';
import { RealHost } from '../../support/crash/real-host.ts';
import { work } from '../../support/crash/workload.ts';
import { Random } from '../../support/harness/random.ts';

const PROCESS = join(import.meta.dirname, '../../support/crash/killed-process.ts');
/** KILLS=500 for more of them. */
const KILLS = Number(process.env['KILLS'] ?? 12);
const LIVES = 6;
const ACTIONS = 600;
/** What a process does before it is killed, at most: some hundred requests. */
const MOST_LOG_BYTES = 1_000_000;
const LIMIT_MS = 60_000 + KILLS * 20_000;
t.setTimeout(LIMIT_MS);

t.test('a store on real files does what the model does', { timeout: LIMIT_MS }, async (t) => {
  for (let seed = 1; seed <= LIVES; seed++) {
    const folder = newFolder(t);
    const host = await RealHost.open(folder);
    const life = new Life({
      host,
      model: new Model(),
      random: Random.of(seed, 'real'),
      onEvent: () => undefined,
    });
    await life.open(BOOT_ID);
    await work(life, ACTIONS);
    await life.quiet();
    await life.store.close();
    await host.close();
    await checkFolder(folder, life.model);
  }
  t.pass();
});

t.test(
  'a process that is killed at any instant leaves exactly what it wrote',
  { timeout: LIMIT_MS },
  async (t) => {
    const folder = newFolder(t);
    const random = Random.of(Date.now(), 'kills');
    let model = new Model();
    let events = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const log = join(folder, `log ${kill}`);
      const errors = await killed(t, {
        folder,
        log,
        seed: random.below(1e9),
        after: random.below(MOST_LOG_BYTES),
      });
      t.equal(errors, '', 'the process finds nothing wrong');
      for (const event of existsSync(log) ? readEvents(log) : []) {
        model.apply(event);
        events++;
      }
      model = await checkFolder(folder, model);
    }
    t.comment(`${KILLS} processes killed, ${events} events`);
  },
);

/** Runs a process until its log is so long. Answers what it complained about. */
async function killed(
  t: Test,
  { folder, log, seed, after }: { folder: string; log: string; seed: number; after: number },
): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, [PROCESS, folder, String(seed), log], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const complaint = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  const isOver = (): boolean => child.exitCode !== null || (existsSync(log) && statSync(log).size > after);
  while (!isOver()) await sleep(1);
  child.kill('SIGKILL');
  await exited;
  return await complaint;
}

async function checkFolder(folder: string, model: Model): Promise<Model> {
  const host = await RealHost.open(folder);
  try {
    const store = await openStore(host, BOOT_ID);
    const after = checkRecovered(store, model, 'killed')();
    await checkFiles(host);
    const isDone = Math.random() < 0.3;
    if (isDone) {
      await untilDone(store);
      await checkMerged(host);
      await checkSums(store);
      checkRecovered(store, after, 'killed');
    }
    await store.close();
    return after;
  } finally {
    await host.close();
  }
}

function newFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-killed-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
