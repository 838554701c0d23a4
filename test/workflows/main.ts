/**
 * npm run workflows [TYPE...]: the whole campaign over all workflows, or over those named, some trials at a time. Prints
 * a table; ends with 1 where a trial failed.
 */
import { allDefinitions } from './interference.ts';
import { KINDS, type Kind, type Trial, trialsOf } from './campaign.ts';

/** They wait for heartbeats and disks more than they compute; more of them make hosts look silent. */
const AT_A_TIME = 3;

const wanted = process.argv.slice(2);
const types = allDefinitions()
  .map(({ type }) => type)
  .filter((type) => wanted.length === 0 || wanted.includes(type));

let failures = 0;
const startedAtMs = performance.now();
console.log(`${'workflow'.padEnd(24)}${KINDS.map((kind) => kind.padStart(12)).join('')}`);
for (const type of types) {
  const failed = await runAll(await trialsOf(type));
  failures += failed.length;
  for (const { trial, why } of failed) console.log(`  ${trial.kind}, ${trial.what}: ${why}`);
}
const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
console.log(
  failures === 0 ? `all as it is to be, in ${seconds} s` : `${String(failures)} failed, in ${seconds} s`,
);
process.exitCode = failures === 0 ? 0 : 1;

interface Failure {
  readonly trial: Trial;
  readonly why: string;
}

async function runAll(trials: readonly Trial[]): Promise<readonly Failure[]> {
  const waiting = [...trials];
  const failed: Failure[] = [];
  const work = async (): Promise<void> => {
    for (let trial = waiting.shift(); trial !== undefined; trial = waiting.shift()) {
      try {
        await trial.run();
      } catch (error) {
        failed.push({ trial, why: error instanceof Error ? error.message : String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  const cell = (kind: Kind): string => {
    const all = trials.filter((trial) => trial.kind === kind).length;
    const bad = failed.filter(({ trial }) => trial.kind === kind).length;
    return (bad === 0 ? String(all) : `${String(all - bad)}/${String(all)}`).padStart(12);
  };
  console.log(`${(trials[0]?.type ?? '').padEnd(24)}${KINDS.map(cell).join('')}`);
  return failed;
}
