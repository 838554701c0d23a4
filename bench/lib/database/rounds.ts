/** Every engine in turn within each round: what slows the machine for a while slows all of them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EngineOptions, folderFor, type MeasuredEngine, type RunningEngine } from './engines.ts';
import { initialize, pgbench, type PgbenchOptions, type PgbenchResult, settle } from './pgbench.ts';

const run = promisify(execFile);

export interface Plan extends PgbenchOptions, Omit<EngineOptions, 'folder'> {
  readonly engines: readonly MeasuredEngine[];
  readonly scale: number;
  readonly rounds: number;
}

export interface Measured extends PgbenchResult {
  readonly engine: MeasuredEngine['name'];
  readonly round: number;
}

export async function* measure(plan: Plan, tell: (what: string) => void): AsyncGenerator<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  const started: (readonly [MeasuredEngine, RunningEngine])[] = [];
  try {
    for (const engine of plan.engines) {
      tell(`starting PostgreSQL on ${engine.title}`);
      const running = await engine.start({ ...plan, folder: folderFor(folder, engine) });
      started.push([engine, running]);
      await initialize(running.address, plan.scale);
      await settle(running.address);
    }
    for (let round = 1; round <= plan.rounds; round++)
      for (const [{ name }, { address }] of turned(started, round)) {
        await settle(address);
        // Else the disk is still busy with what others left in the page cache.
        await run('sync');
        const result = await pgbench(address, plan);
        // An idle engine would checkpoint by itself, beside the next one.
        await settle(address);
        yield { engine: name, round, ...result };
      }
  } finally {
    const stops = started.toReversed().map(([, running]) => running.stop());
    const failed = (await Promise.allSettled(stops)).find((one) => one.status === 'rejected');
    rmSync(folder, { recursive: true, force: true });
    if (failed !== undefined) tell(`an engine did not stop: ${String(failed.reason)}`);
  }
}

/** Each round begins with another, so that nobody is always the one behind the slowest. */
function turned<T>(all: readonly T[], round: number): readonly T[] {
  const first = (round - 1) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
