/**
 * `npm run torture [-- --minutes 10 --seed N --only "kill,cut" --network 74]`: real daemons, real faults, one history.
 * Ctrl-C ends it with the summary so far. Exits with 1 on a finding.
 */
import { parseArgs } from 'node:util';
import { summaryText } from './report.ts';
import { Torture } from './run.ts';
import { type FaultKind, KINDS } from './schedule.ts';

const MS_PER_MINUTE = 60_000;
const DEFAULT_NETWORK = '74';
const SEEDS = 1_000_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    only: { type: 'string' },
    network: { type: 'string', default: DEFAULT_NETWORK },
  },
});
const seed = numberOf('--seed', values.seed ?? String(Date.now() % SEEDS), 0);
const durationMs = numberOf('--minutes', values.minutes, 0) * MS_PER_MINUTE;
const kinds = values.only === undefined ? KINDS : values.only.split(',').map(kindOf);
const torture = new Torture({
  seed,
  durationMs,
  network: numberOf('--network', values.network, 1),
  kinds,
  roundMs: { least: 8000, most: 25_000 },
  say: (line) => {
    console.log(line);
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => torture.stop());
console.log(`seed ${seed}, ${values.minutes} minutes`);
const result = await torture.run();
if (result.finding !== undefined) console.log(`\n${result.finding}\n`);
console.log(summaryText(result));
process.exit(result.finding === undefined ? 0 : 1);

function numberOf(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < least)
    throw new Error(`${option} is ${text}; allowed: a number from ${least}`);
  return value;
}

function kindOf(text: string): FaultKind {
  const kind = KINDS.find((known) => known === text.trim());
  if (kind === undefined) throw new Error(`--only names "${text}"; allowed: ${KINDS.join(', ')}`);
  return kind;
}
