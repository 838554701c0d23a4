/**
 * `npm run model [-- --only NAME]`: searches the model, its witnesses and its mutations (searches.ts). One that is
 * named is also told step by step.
 */
import { command, parseOptions } from '../sim/options.ts';
import { complaintOf, type Planned, planned, run } from './searches.ts';
import type { Found } from './spin.ts';

const width = Math.max(...planned.map(({ name }) => name.length));

await command(async (signal) => {
  const names = planned.map(({ name }) => name);
  const { only } = parseOptions(process.argv.slice(2), {}, names);
  const wanted = planned.filter(({ name }) => only.length === 0 || only.includes(name));
  const complaints: string[] = [];
  row('search', 'states', 'time', 'steps', 'found');
  for (const plan of wanted) {
    const found = await run(plan, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (found === undefined) {
      console.log('interrupted');
      return complaints.length === 0;
    }
    show(plan, found);
    const complaint = complaintOf(plan, found);
    if (complaint !== undefined) complaints.push(complaint);
    else if (only.length > 0) for (const line of found.breach?.transcript ?? []) console.log(`  ${line}`);
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
