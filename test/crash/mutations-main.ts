/**
 * `npm run crash:mutations [-- --only NAME --seeds N --states S]`: breaks a copy of the store in each way that
 * mutations.ts lists, and says which seed of the crash runs found it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { command, parseOptions } from '../sim/options.ts';
import { Tree } from '../sim/tree.ts';
import { mutations } from './mutations.ts';

const REASON_CHARACTERS = 110;
const names = mutations.map(({ name }) => name);
const width = Math.max(...names.map((name) => name.length));

await command(async (signal) => {
  const { seeds, from, states, only } = parseOptions(
    process.argv.slice(2),
    { seeds: 300, from: 1, states: 600 },
    names,
  );
  const wanted = mutations.filter(({ name }) => only.length === 0 || only.includes(name));
  using tree = new Tree({ tests: [], also: ['test/crash'] });
  const { fitting, problems } = tree.sort(wanted);
  const missed: string[] = [];
  for (const mutation of fitting) {
    if (signal.aborted) break;
    using _broken = tree.mutate(mutation);
    const found = await firstFailure(tree.root, { seeds, from, states }, signal);
    if (signal.aborted) break;
    if (found === undefined) missed.push(mutation.name);
    console.log(
      `${mutation.name.padEnd(width)}  ${(found ?? `NOT FOUND: ${mutation.what}`).slice(0, REASON_CHARACTERS)}`,
    );
  }
  if (signal.aborted) console.log('interrupted');
  else if (missed.length === 0) console.log(`${fitting.length} mutations, all of them found`);
  else console.log(`not found: ${missed.join(', ')}`);
  for (const problem of problems) console.log(problem);
  return missed.length + problems.length === 0;
});

/** In a process of its own: a broken store may end it, which is a finding too. */
async function firstFailure(
  root: string,
  options: { readonly seeds: number; readonly from: number; readonly states: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(process.execPath, ['test/crash/main.ts', '--failures', '1', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  child.on('error', () => undefined);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[code: number | null]>,
  ]);
  if (code === 0) return undefined;
  return (
    output.split('\n').find((line) => line.startsWith('seed ')) ??
    `it ends itself: ${/\w*(Error|Failure): .*/.exec(errors)?.[0] ?? ''}`
  );
}
