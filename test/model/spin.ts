/** Spin on test/model/replication.pml: builds its search, runs it, and tells what it found. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';

const MODEL = resolve(import.meta.dirname, 'replication.pml');
const TRAIL = 'replication.pml.trail';
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;
/** Deeper than any run within the bounds: one that is cut off would be a search that is not complete. */
const DEPTH_STEPS = 1_000_000;
const MEMORY_LIMIT_MIB = 2048;
const HASH_TABLE_BITS = 25;

export interface Search {
  /** Macros, with their values. */
  readonly macros: Readonly<Record<string, number | string>>;
  /** Level by level, for a breach after the fewest steps; that there is none is found sooner without. */
  readonly shortest: boolean;
  readonly signal: AbortSignal;
}

export interface Breach {
  /** The comment above the assertion. */
  readonly promise: string;
  readonly steps: number;
  /** What happened, a line for each step. */
  readonly transcript: readonly string[];
}

export interface Found {
  readonly states: number;
  readonly seconds: number;
  readonly mebibytes: number;
  /** The first one; undefined if every run was searched and none breaks anything. */
  readonly breach: Breach | undefined;
}

/** Every run, or those up to the first breach. LockstepError: the search could not be built, or not completed. */
export async function search({ macros, shortest, signal }: Search): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-model-'));
  const run = async (program: string, args: readonly string[]): Promise<string> => {
    const options = { cwd: folder, signal, maxBuffer: OUTPUT_LIMIT_BYTES };
    try {
      return (await promisify(execFile)(program, args, options)).stdout;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
        throw new LockstepError('FAILED_PRECONDITION', `${program} is missing: run "sh test/setup.sh"`);
      throw new LockstepError('UNAVAILABLE', `${program}: ${messageOf(error)}`, { cause: error });
    }
  };
  const defines = Object.entries(macros).map(([name, value]) => `-D${name}=${value}`);
  try {
    await run('spin', ['-a', ...defines, MODEL]);
    // What takes a moment to run is compiled in a moment.
    const way = shortest ? ['-O0', '-DBFS'] : ['-O2'];
    const common = ['-w', '-DSAFETY', `-DMEMLIM=${MEMORY_LIMIT_MIB}`];
    await run('gcc', [...way, ...common, '-o', 'pan', 'pan.c']);
    // -E: that nobody serves any more is no breach here, since control may promote one that has to refuse.
    const output = await run('./pan', ['-E', `-m${DEPTH_STEPS}`, `-w${HASH_TABLE_BITS}`]);
    const errors = numberIn(output, /errors: (\d+)/);
    if (
      errors === undefined ||
      /search not completed|max search depth too small/i.test(output) !== errors > 0
    )
      throw new LockstepError('RESOURCE_EXHAUSTED', `the search was not completed:\n${output}`);
    return {
      states: numberIn(output, /(\S+) states, stored/) ?? 0,
      seconds: numberIn(output, /elapsed time (\S+) seconds/) ?? 0,
      mebibytes: numberIn(output, /(\S+)\s+total actual memory usage/) ?? 0,
      breach: errors === 0 ? undefined : breachIn(await run('spin', ['-T', '-k', TRAIL, ...defines, MODEL])),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Of a trail that Spin played back. */
function breachIn(output: string): Breach {
  const [, file = '', line = ''] = /spin: (\S+):(\d+), Error: assertion violated/.exec(output) ?? [];
  if (file === '')
    throw new LockstepError('INTERNAL', `the trail breaks nothing when it is played:\n${output}`);
  const above = readFileSync(resolve(file), 'utf8').split('\n').slice(0, Number(line)).reverse();
  const promise = above.find((text) => text.includes('/*')) ?? '';
  const end = output.indexOf('spin: ');
  return {
    steps: numberIn(output, /trail ends after (\d+) steps/) ?? 0,
    promise: promise.replaceAll(/^\s*\/\* | \*\/$/g, ''),
    transcript: output
      .slice(0, end)
      .split('\n')
      .map((text) => text.trim())
      .filter((text) => text !== ''),
  };
}
