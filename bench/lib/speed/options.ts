/** What `npm run bench` was asked for. Every refusal names the option, its value and what is allowed. PURE. */
import { parseArgs } from 'node:util';

export interface Options {
  readonly works: readonly string[];
  readonly setups: readonly string[];
  /** A part was chosen: what comes out is no result of the whole. */
  readonly isPart: boolean;
  /** Named one by one: they take part in every work. */
  readonly areSetupsNamed: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly sizeMib: number;
  /** As taskset(1) takes them. */
  readonly cpus: string;
  readonly profile: boolean;
  readonly out: string | undefined;
}

export interface Allowed {
  readonly works: readonly string[];
  readonly setups: readonly string[];
  /** Of `setups`, those that a profile can be made of. */
  readonly profiled: readonly string[];
  /** Processors that this process may run on, as the kernel lists them. */
  readonly cpus: string;
}

/** Words for the person who typed it. */
export class UsageError extends Error {}

/** Room for the blocks of all depths, at places that differ. */
const LEAST_SIZE_MIB = 16;
const CPU_LIST = /^\d+(-\d+)?(,\d+(-\d+)?)*$/;

const KNOWN = {
  only: { type: 'string' },
  setups: { type: 'string' },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '3' },
  'size-mib': { type: 'string', default: '1024' },
  cpus: { type: 'string' },
  profile: { type: 'boolean', default: false },
  out: { type: 'string' },
} as const;

export function optionsOf(argv: readonly string[], allowed: Allowed): Options {
  const values = parsed(argv);
  const available = values.profile ? allowed.profiled : allowed.setups;
  const setupsOption = values.profile ? '--setups with --profile' : '--setups';
  const cpus = values.cpus ?? allowed.cpus;
  checkCpus(cpus, allowed.cpus);
  return {
    works: chosen('--only', values.only, allowed.works),
    setups: chosen(setupsOption, values.setups, available),
    isPart: values.only !== undefined || values.setups !== undefined,
    areSetupsNamed: values.setups !== undefined,
    rounds: whole('--rounds', values.rounds, 1),
    seconds: whole('--seconds', values.seconds, 1),
    sizeMib: whole('--size-mib', values['size-mib'], LEAST_SIZE_MIB),
    cpus,
    profile: values.profile,
    out: values.out,
  };
}

function parsed(argv: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof KNOWN }>>['values'] {
  try {
    return parseArgs({ args: [...argv], options: KNOWN }).values;
  } catch (error) {
    // Its first sentence says what is wrong, the rest how a positional argument would be written.
    const [what = ''] = (error instanceof Error ? error.message : '').split('. ');
    const options = Object.entries(KNOWN).map(
      ([name, { type }]) => `--${name}${type === 'string' ? ' VALUE' : ''}`,
    );
    throw new UsageError(`${what}; allowed: ${options.join(', ')}`, { cause: error });
  }
}

function chosen(option: string, value: string | undefined, names: readonly string[]): readonly string[] {
  if (value === undefined) return names;
  const wanted = value.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`${option} is "${unknown}"; allowed: ${names.join(', ')}, with commas between them`);
  return names.filter((name) => wanted.includes(name));
}

function whole(option: string, value: string, least: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number;
  throw new UsageError(`${option} is "${value}"; allowed: a whole number from ${String(least)}`);
}

function checkCpus(value: string, allowed: string): void {
  const may = new Set(cpuNumbers(allowed));
  const isAllowed = CPU_LIST.test(value) && cpuNumbers(value).every((cpu) => may.has(cpu));
  if (!isAllowed || cpuNumbers(value).length === 0)
    throw new UsageError(`--cpus is "${value}"; allowed: some of ${allowed}, as in 0,2-3`);
}

/** Of a list as `0,2-3`. */
export function cpuNumbers(list: string): readonly number[] {
  return list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  });
}
