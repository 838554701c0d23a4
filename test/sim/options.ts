/** The options of the commands that run seeds, and what they have in common at their ends. */
import { parseArgs } from 'node:util';
import { invalidField, LockstepError, messageOf } from '../../daemon/sys/errors.ts';

const MAX_SEED = 4_294_967_295;
const MAX_JOBS = 64;
const MAX_FAILURES = 1000;
const MAX_STATES = 1_000_000;
/** A day. */
const MAX_SECONDS = 86_400;
const INTERRUPTED = 130;
const BAD_USAGE = 2;

/** Lower and upper bound of each option that is a number. */
const ranges = {
  seeds: [1, MAX_SEED],
  from: [1, MAX_SEED],
  jobs: [1, MAX_JOBS],
  states: [1, MAX_STATES],
  seconds: [0, MAX_SECONDS],
  failures: [1, MAX_FAILURES],
} as const;

export interface NumberOptions {
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  /** It ends after so many. */
  readonly failures: number;
  /** Of one seed, about. */
  readonly states: number;
  /** The command goes on with fresh seeds until so many seconds are over. */
  readonly seconds: number;
}

export interface SimOptions extends NumberOptions {
  readonly only: readonly string[];
}

/** `only` is taken where there are names to choose from. */
export function parseOptions(
  args: readonly string[],
  defaults: Partial<NumberOptions>,
  names: readonly string[] = [],
): SimOptions {
  const numbers = Object.keys(defaults) as (keyof NumberOptions)[];
  const allowed = [...numbers, ...(names.length === 0 ? [] : ['only'])];
  const values = valuesOf(args, allowed);
  const numberOf = (name: keyof NumberOptions): number => {
    const given = values[name]?.at(-1);
    return given === undefined ? (defaults[name] ?? ranges[name][0]) : parseNumber(name, given);
  };
  for (const name of values['only'] ?? [])
    if (!names.includes(name)) throw invalidField('--only', name, names.join(', '));
  return {
    seeds: numberOf('seeds'),
    from: numberOf('from'),
    jobs: numberOf('jobs'),
    failures: numberOf('failures'),
    states: numberOf('states'),
    seconds: numberOf('seconds'),
    only: values['only'] ?? [],
  };
}

function valuesOf(args: readonly string[], allowed: readonly string[]): Partial<Record<string, string[]>> {
  try {
    const options = Object.fromEntries(
      allowed.map((name) => [name, { type: 'string', multiple: true } as const]),
    );
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const usage = allowed.map((name) => `--${name}`).join(', ');
    throw new LockstepError('INVALID_ARGUMENT', `${messageOf(error)}\nallowed: ${usage}, each with a value`, {
      cause: error,
    });
  }
}

function parseNumber(name: keyof NumberOptions, given: string): number {
  const [low, high] = ranges[name];
  const number = Number(given);
  if (!/^\d+$/.test(given) || number < low || number > high)
    throw invalidField(`--${name}`, given, `a whole number from ${low} to ${high}`);
  return number;
}

/**
 * Runs a command to its exit code. A signal aborts it instead of ending the process, so that the command can say how
 * far it came and take away what it made; the second signal of an impatient person is the same as the first.
 */
export async function command(run: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => abort.abort());
  try {
    const ok = await run(abort.signal);
    process.exitCode = !ok ? 1 : abort.signal.aborted ? INTERRUPTED : 0;
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    console.error(error.message);
    process.exitCode = error.code === 'INVALID_ARGUMENT' ? BAD_USAGE : 1;
  }
}
