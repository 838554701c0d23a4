/** Each work on each contestant, in turn within each round: what slows the machine for a while slows all of them. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fill, fio, type FioOptions, type FioResult } from '../speed/fio.ts';
import { withSpinners } from '../speed/spinners.ts';
import type { Work } from '../speed/works.ts';
import type { Contestant, Running } from './contestants.ts';
import type { Garbage } from './gc-log.ts';

const run = promisify(execFile);

export interface TailPlan extends FioOptions {
  readonly works: readonly Work[];
  readonly contestants: readonly Contestant[];
  readonly rounds: number;
}

export interface Tail extends FioResult {
  readonly work: string;
  readonly contestant: string;
  readonly round: number;
  /** By host; of the whole run of fio, its ramp included. */
  readonly garbage: readonly (readonly [host: string, garbage: Garbage])[];
  readonly residentBytes: number | undefined;
}

export async function* tailRounds(plan: TailPlan, tell: (what: string) => void): AsyncGenerator<Tail> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-tails-'));
  const started: (readonly [Contestant, Running])[] = [];
  try {
    for (const [index, contestant] of plan.contestants.entries()) {
      const own = join(folder, String(index));
      mkdirSync(own);
      tell(`starting ${contestant.name}`);
      const running = await contestant.start({ folder: own, sizeBytes: plan.sizeBytes, cpus: plan.cpus });
      started.push([contestant, running]);
      await fill(running.target, plan);
    }
    for (let round = 1; round <= plan.rounds; round++)
      for (const work of plan.works)
        for (const [contestant, running] of turned(started, round)) {
          // Else the disk is still busy with what the one before left in the page cache.
          await run('sync');
          const collected = running.watchGarbage();
          const result = await withSpinners(work.needsSpinners, () => fio(work, running.target, plan));
          const residentBytes = await running.residentBytes();
          const garbage = collected();
          yield { work: work.name, contestant: contestant.name, round, ...result, garbage, residentBytes };
        }
  } finally {
    for (const [, running] of started.toReversed()) await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each round begins with another, so that nobody is always the one behind the slowest. */
function turned<T>(all: readonly T[], round: number): readonly T[] {
  const first = (round - 1) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
