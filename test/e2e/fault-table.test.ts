/** A few rows of the table of faults (`npm run faults` has all of them): what is said of the database is so throughout. */
import t from 'tap';
import { FaultRunner } from '../faults/run.ts';
import { FAULTS } from '../faults/table.ts';

const NAMES = [
  'nothing that the primary sends arrives',
  'primary to secondary is cut',
  'the disk of the primary hangs',
  'the link drops for less than the lease',
];
t.setTimeout(170_000);

const runner = await FaultRunner.open(81);
t.teardown(() => runner.close());

for (const name of NAMES)
  t.test(`what is said is so while ${name}, and nothing acknowledged is lost`, async (t) => {
    const fault = FAULTS.find((one) => one.name === name);
    if (fault === undefined) throw new Error(`no fault ${name}`);
    const { findings, pauseMs, reasons } = await runner.run(fault);
    t.comment(`longest pause ${String(Math.round(pauseMs))} ms; ${reasons.join(' ')}`);
    t.same(findings, []);
  });
