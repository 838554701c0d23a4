/**
 * `npm run fuzz:nbd -- --runs N --seconds S --seed N --from N [--sockets]`: mutated sessions against the NBD server, in
 * memory, or over sockets against a server in a process of its own. Ends after so many sessions or, with `--seconds`,
 * then. Exits with 1 on a finding, and says how to have it again. docs/testing.md has more.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describeFailure, runCampaign } from './campaign.ts';
import type { MemoryOutcome, MemoryWork } from './memory-worker.ts';
import { FuzzServer } from './socket-session.ts';
import { describeGrowth } from './tally.ts';

const MIB = 1024 * 1024;
const SEEDS = 1_000_000;
const LINE_EVERY_MS = 10_000;
/** No session takes a thousandth of it. */
const HANG_MS = 20_000;
const SOCKETS_AT_ONCE = 16;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '0' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    sockets: { type: 'boolean', default: false },
  },
});
const seed = numberOf('--seed', values.seed ?? String(Date.now() % SEEDS));
const work = {
  seed,
  from: numberOf('--from', values.from),
  runs: numberOf('--runs', values.runs),
  seconds: numberOf('--seconds', values.seconds),
};
console.log(`seed ${seed}`);
const { ok, text } = values.sockets ? await overSockets() : await inMemory();
console.log(text);
process.exit(ok ? 0 : 1);

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`${name} is ${text}; allowed: a whole number from 0`);
  return value;
}

function residentMib(): string {
  return (process.memoryUsage.rss() / MIB).toFixed(0);
}

async function inMemory(): Promise<MemoryOutcome> {
  const progress = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
  const workerData: MemoryWork = { ...work, progress };
  const worker = new Worker(new URL('memory-worker.ts', import.meta.url), { workerData });
  return new Promise((resolve) => {
    let last = -1;
    let movedAtMs = performance.now();
    setInterval(() => {
      const run = progress[0] ?? 0;
      console.log(`${run - work.from} sessions, ${residentMib()} MiB resident`);
      if (run !== last) movedAtMs = performance.now();
      last = run;
      if (performance.now() - movedAtMs > HANG_MS)
        resolve({ ok: false, text: `session ${run} of seed ${seed} hangs` });
    }, LINE_EVERY_MS);
    worker.once('message', resolve);
    worker.once('error', (error) => {
      resolve({ ok: false, text: `session ${progress[0]} of seed ${seed}: ${String(error)}` });
    });
  });
}

async function overSockets(): Promise<MemoryOutcome> {
  const server = await FuzzServer.start();
  const startedMs = performance.now();
  let sessions = 0;
  const timer = setInterval(() => console.log(`${sessions} sessions`), LINE_EVERY_MS);
  try {
    const { tally, failure, memory, growth } = await runCampaign(
      (input, random) => server.run(input, random),
      {
        ...work,
        untilMs: work.seconds === 0 ? undefined : startedMs + work.seconds * 1000,
        sessions: SOCKETS_AT_ONCE,
        measure: () => server.report(),
        onRun: () => {
          sessions++;
        },
      },
    );
    const lines = [
      tally.describe((performance.now() - startedMs) / 1000),
      ...(memory === undefined ? [] : [`the server's ${describeGrowth(memory.before, memory.after)}`]),
      ...(failure === undefined ? [] : [describeFailure(failure, seed)]),
      ...(growth === undefined ? [] : [growth]),
    ];
    return { ok: failure === undefined && growth === undefined, text: lines.join('\n') };
  } finally {
    clearInterval(timer);
    await server.stop();
  }
}
