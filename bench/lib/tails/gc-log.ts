/**
 * What V8 says of its collections of garbage with --trace-gc --trace-gc-nvp: one line of name=value each, between the
 * lines of the daemon's own log. PURE.
 */

export const TRACE_FLAGS = ['--trace-gc', '--trace-gc-nvp'];

export interface Garbage {
  readonly collections: number;
  /** Of them those that marked the whole heap. */
  readonly full: number;
  /** In which nothing else of the process's thread ran, the steps of marking in between included. */
  readonly pausedMs: number;
  readonly longestMs: number;
  /** On the heap; what sockets read into stands outside of it. */
  readonly allocatedBytes: number;
}

const YOUNG = 's';

export function garbageOf(log: string): Garbage {
  const found = log.split('\n').flatMap((line) => {
    const gc = textOf(line, 'gc');
    return gc === undefined ? [] : [{ gc, line }];
  });
  const pauses = found.map(({ line }) => numberOf(line, 'pause'));
  const steps = found.map(({ line }) => numberOf(line, 'incremental'));
  const longestSteps = found.map(({ line }) => numberOf(line, 'incremental_longest_step'));
  return {
    collections: found.length,
    full: found.filter(({ gc }) => gc !== YOUNG).length,
    pausedMs: sum([...pauses, ...steps]),
    longestMs: Math.max(0, ...pauses, ...longestSteps),
    allocatedBytes: sum(found.map(({ line }) => numberOf(line, 'allocated'))),
  };
}

function textOf(line: string, name: string): string | undefined {
  return new RegExp(` ${name}=(\\S+)`).exec(line)?.[1];
}

/** 0 where it is not said: a young collection has no steps. */
function numberOf(line: string, name: string): number {
  return Number(textOf(line, name) ?? 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
