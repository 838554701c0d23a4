/** Every work on every setup, in turn within each round: what slows the machine for a while slows all of them. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fill, fio, type FioOptions, type FioResult } from './fio.ts';
import type { Served, Setup } from './setup.ts';
import { withSpinners } from './spinners.ts';
import type { Work } from './works.ts';

const run = promisify(execFile);

export interface Plan extends FioOptions {
  readonly works: readonly Work[];
  readonly setups: readonly Setup[];
  readonly rounds: number;
}

export interface Measured extends FioResult {
  readonly work: string;
  readonly setup: string;
  readonly round: number;
}

export async function* measure(plan: Plan, tell: (what: string) => void): AsyncGenerator<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  const started: (readonly [Setup, Served])[] = [];
  try {
    for (const setup of plan.setups) {
      tell(`starting ${setup.title}`);
      started.push([setup, await start(setup, join(folder, setup.name), plan)]);
    }
    for (let round = 1; round <= plan.rounds; round++)
      for (const work of plan.works)
        for (const [setup, { target }] of turned(started, round)) {
          // Else the disk is still busy with what the one before left in the page cache.
          await run('sync');
          const measured = await withSpinners(work.needsSpinners, () => fio(work, target, plan));
          yield { work: work.name, setup: setup.name, round, ...measured };
        }
  } finally {
    for (const [, served] of started.toReversed()) await served.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function start(setup: Setup, folder: string, { sizeBytes, cpus }: Plan): Promise<Served> {
  mkdirSync(folder);
  const served = await setup.start({ folder, sizeBytes, cpus });
  try {
    await fill(served.target, { sizeBytes, cpus });
  } catch (error) {
    await served.stop();
    throw error;
  }
  return served;
}

/** Each round begins with another, so that nobody is always the one behind the slowest. */
function turned<T>(all: readonly T[], round: number): readonly T[] {
  const first = (round - 1) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
