/**
 * `npm run bench:failover [-- --rounds N] [--partition | --switchover] [--resume]`: what a client at the alias waits when
 * the host of the primary is killed, when packets of one way are gone, or when a person switches over, by phase and under
 * pgbench. Writes bench/results/failover.json and failover.md; with --resume, behind the rounds that are there. Fails
 * where a bound is not kept. --partition and --switchover need root.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { brokenBounds, type FailoverResults, killRow, moveRow, reportText } from './lib/failover-report.ts';
import { clientsOf, type FailoverRound, failoverRounds } from './lib/failover-rounds.ts';
import { Installation } from './lib/installation.ts';
import { type MoveRound, partitionRounds, switchoverRounds } from './lib/move-rounds.ts';

const NETWORK = 77;
const SIZE_MIB = 1024;
const ROUNDS = 20;
const DATABASE = 'orders';
const RESULTS = join(import.meta.dirname, 'results');
const UNDER_LOAD = { underLoad: true } as const;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: String(ROUNDS) },
    partition: { type: 'boolean', default: false },
    switchover: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds is ${values.rounds}; allowed: a whole number from 1`);
const kind = values.partition ? 'partition' : values.switchover ? 'switchover' : 'kill';

const earlier = earlierResults();
const installation = await Installation.start({ network: NETWORK, hasNetworks: kind !== 'kill' });
try {
  const startedAtMs = performance.now();
  await installation.createDatabase(DATABASE, { sizeMiB: SIZE_MIB });
  const provisionMs = performance.now() - startedAtMs;
  console.log(`provisioned in ${(provisionMs / 1000).toFixed(1)} s`);
  const before = values.resume ? earlier : { ...earlier, [kind]: [] };
  report({ ...before, ...(kind === 'kill' ? { provisionMs } : {}), ...(await measured(before)) });
} finally {
  await installation.destroy();
}

async function measured(before: FailoverResults): Promise<Partial<FailoverResults>> {
  if (kind === 'kill') {
    const found: FailoverRound[] = [];
    for await (const round of failoverRounds(installation, DATABASE, rounds, UNDER_LOAD)) {
      found.push(round);
      console.log(killRow(String(found.length), round).join(' | '));
    }
    return { kill: [...before.kill, ...found] };
  }
  const clients = await clientsOf(installation, DATABASE, UNDER_LOAD);
  const skip = before.partition.length;
  const generator =
    kind === 'partition'
      ? partitionRounds(installation, DATABASE, { clients, rounds, skip })
      : switchoverRounds(installation, DATABASE, { clients, rounds });
  const found: MoveRound[] = [];
  for await (const round of generator) {
    found.push(round);
    console.log(moveRow(String(found.length), round, Object.keys(round.phases)).join(' | '));
  }
  return { [kind]: [...before[kind], ...found] };
}

/** Of the other kinds too: one call measures one kind, and the page has all. */
function earlierResults(): FailoverResults {
  const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / 2 ** 30))} GiB, Linux ${release()}, Node ${process.version}`;
  const none = { machine, provisionMs: 0, kill: [], partition: [], switchover: [] };
  const path = join(RESULTS, 'failover.json');
  if (!existsSync(path)) return none;
  return { ...none, ...(JSON.parse(readFileSync(path, 'utf8')) as Partial<FailoverResults>), machine };
}

function report(results: FailoverResults): void {
  const text = reportText(results, new Date().toISOString());
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'failover.md'), text);
  writeFileSync(join(RESULTS, 'failover.json'), `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\n${text}`);
  if (brokenBounds(results).length > 0) process.exitCode = 1;
}
