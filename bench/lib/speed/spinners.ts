/**
 * Processes of idle priority that keep every processor from going to sleep. To wake an idle virtual processor takes
 * longer than a request that is alone: without them, depth 1 measures the hypervisor.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { cpuNumbers } from './options.ts';

/**
 * In a session of its own, and that one is nice: the kernel shares the processors among sessions first (sched(7), "The
 * autogroup feature"), and a spinner in the session of a server would have as much of them as everybody else.
 */
const SPIN = 'echo 19 >/proc/self/autogroup; while :; do :; done';

/** `cpus`: as taskset(1) takes them. */
export async function withSpinners<T>(
  needed: boolean,
  work: () => Promise<T>,
  cpus = `0-${String(availableParallelism() - 1)}`,
): Promise<T> {
  if (!needed) return work();
  const spinners = cpuNumbers(cpus).map((cpu) =>
    spawn('chrt', ['--idle', '0', 'taskset', '--cpu-list', String(cpu), 'sh', '-c', SPIN], {
      stdio: 'ignore',
      detached: true,
    }),
  );
  try {
    return await work();
  } finally {
    for (const spinner of spinners) {
      // One that could not run on its processor.
      if (spinner.exitCode !== null) continue;
      const ended = once(spinner, 'exit');
      spinner.kill('SIGKILL');
      await ended;
    }
  }
}
