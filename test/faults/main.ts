/**
 * `npm run faults [-- --only WORDS] [--from N] [--count N]`: the whole table of faults against real daemons, each host
 * in a network of its own. Prints a line each, and fails where anything was found. Needs root.
 */
import { parseArgs } from 'node:util';
import { FaultRunner } from './run.ts';
import { FAULTS } from './table.ts';

const NETWORK = 82;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: String(FAULTS.length) },
  },
});
const first = Number(values.from) - 1;
const chosen = FAULTS.slice(first, first + Number(values.count)).filter(({ name }) =>
  name.includes(values.only),
);
if (chosen.length === 0)
  throw new Error(`no fault is chosen; there are: ${FAULTS.map(({ name }) => name).join(', ')}`);

const runner = await FaultRunner.open(NETWORK);
let found = 0;
try {
  for (const fault of chosen) {
    const { name, findings, pauseMs, reasons, longestLieMs } = await runner.run(fault);
    const late = [...longestLieMs].map(([claim, ms]) => `${claim} ${String(Math.round(ms))} ms`).join(', ');
    console.log(`${findings.length === 0 ? 'ok    ' : 'FOUND '} ${name}`);
    console.log(
      `       longest pause ${(pauseMs / 1000).toFixed(2)} s; late: ${late}; events: ${reasons.join(' ')}`,
    );
    for (const finding of findings) console.log(`       ${finding}`);
    found += findings.length;
  }
} finally {
  await runner.close();
}
process.exitCode = found === 0 ? 0 : 1;
