/**
 * `npm run model [-- --only NAME]`: searches the model, its witnesses and its mutations (searches.ts). One that is
 * named is also told step by step.
 */
import { parseArgs } from 'node:util';
import { invalidField } from '../../daemon/sys/errors.ts';
import { command } from '../sim/options.ts';
import { complaintOf, type Planned, planned, run } from './searches.ts';
import type { Found } from './spin.ts';

const width = Math.max(...planned.map(({ name }) => name.length));

await command(async (signal) => {
  const only = parseArgs({ options: { only: { type: 'string', multiple: true } } }).values.only ?? [];
  const names = planned.map(({ name }) => name);
  for (const name of only) if (!names.includes(name)) throw invalidField('--only', name, names.join(', '));
  const wanted = planned.filter(({ name }) => only.length === 0 || only.includes(name));
  const complaints: string[] = [];
  row('search', 'states', 'time', 'steps', 'found');
  for (const plan of wanted) {
    const found = await run(plan, signal);
    show(plan, found);
    const complaint = complaintOf(plan, found);
    if (complaint !== undefined) complaints.push(complaint);
    else if (only.length > 0) console.log(found.breach?.transcript.join('\n') ?? '');
  }
  for (const complaint of complaints) console.log(complaint);
  if (complaints.length === 0) console.log(`${wanted.length} searches, all as they should be`);
  return complaints.length === 0;
});

function show({ name, what, isFound }: Planned, { states, seconds, mebibytes, breach }: Found): void {
  const verdict =
    breach === undefined
      ? isFound
        ? `NOT FOUND: ${what}`
        : `nothing, in every run (${mebibytes.toFixed(0)} MiB)`
      : `${what}: ${breach.promise}`;
  row(name, String(states), `${seconds.toFixed(1)} s`, String(breach?.steps ?? ''), verdict);
}

function row(name: string, states: string, time: string, steps: string, verdict: string): void {
  console.log(
    `${name.padEnd(width)}  ${states.padStart(8)}  ${time.padStart(6)}  ${steps.padStart(5)}  ${verdict}`,
  );
}
