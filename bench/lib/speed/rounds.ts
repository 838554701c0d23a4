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
  /** By default all do. */
  readonly takesPart?: (work: Work, setup: Setup) => boolean;
}

export interface Measured extends FioResult {
  readonly work: string;
  readonly setup: string;
  readonly round: number;
}

/** Leaves nothing behind, also where it fails, where the signal ends it, and where nobody asks for the rest. */
export async function* measure(plan: Plan, tell: (what: string) => void): AsyncGenerator<Measured> {
  const { takesPart = () => true, signal } = plan;
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  // Ends what it holds in the other order, all of it, whatever of it fails to end.
  await using running = new AsyncDisposableStack();
  running.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const started: (readonly [Setup, Served])[] = [];
  for (const setup of plan.setups) {
    signal?.throwIfAborted();
    tell(`starting ${setup.title}`);
    mkdirSync(join(folder, setup.name));
    const served = await setup.start({ folder: join(folder, setup.name), ...plan });
    running.defer(() => served.stop());
    await fill(served.target, plan);
    started.push([setup, served]);
  }
  for (let round = 1; round <= plan.rounds; round++)
    for (const work of plan.works) {
      const present = started.filter(([setup]) => takesPart(work, setup));
      for (const [setup, { target }] of turned(present, round)) {
        // Else the disk is still busy with what the one before left in the page cache.
        await run('sync');
        signal?.throwIfAborted();
        const measured = await withSpinners(work.needsSpinners, () => fio(work, target, plan), plan.cpus);
        yield { work: work.name, setup: setup.name, round, ...measured };
      }
    }
}

/** Each round begins with another, so that nobody is always the one behind the slowest. */
function turned<T>(all: readonly T[], round: number): readonly T[] {
  const first = (round - 1) % Math.max(1, all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}
