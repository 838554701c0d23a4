/**
 * `npm run check`: every rule of the house that a program can check, two at a time since that is what the smallest
 * machine has. What passes is one line; what fails is shown in full, after the others, so that it is read last.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

/** Scripts of package.json, the slowest first. */
const checks = [
  'types',
  'lint',
  'generated',
  'dead',
  'format:check',
  'deps',
  'docs:api',
  'proto',
  'proto:breaking',
];
const concurrency = Math.min(2, availableParallelism());
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;

interface Outcome {
  readonly check: string;
  readonly ok: boolean;
  readonly seconds: string;
  readonly output: string;
}

function run(check: string): Promise<Outcome> {
  const start = performance.now();
  return new Promise((done) => {
    execFile(
      'npm',
      ['run', '--silent', check],
      { cwd: resolve(import.meta.dirname, '..'), maxBuffer: OUTPUT_LIMIT_BYTES },
      (error, stdout, stderr) => {
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        done({ check, ok: error === null, seconds, output: stdout + stderr });
      },
    );
  });
}

async function worker(queue: string[], outcomes: Outcome[]): Promise<void> {
  for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
    const outcome = await run(check);
    outcomes.push(outcome);
    console.log(`${outcome.ok ? 'ok    ' : 'FAILED'} ${check} (${outcome.seconds} s)`);
  }
}

const queue = [...checks];
const outcomes: Outcome[] = [];
await Promise.all(Array.from({ length: concurrency }, () => worker(queue, outcomes)));

const failed = outcomes.filter((outcome) => !outcome.ok);
for (const { check, output } of failed) console.log(`\n--- npm run ${check}\n${output.trimEnd()}`);
console.log(`\nchecks: ${outcomes.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
