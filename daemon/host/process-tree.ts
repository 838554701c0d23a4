/**
 * Stops and continues a process with all that descends from it. Synchronous throughout: whoever stops an engine has
 * given its word that it is silent when the call returns. Only /proc is read, which waits for no disk, and of it only
 * what does not take a process's memory lock: an engine that hangs in I/O may hold that for ever.
 *
 * A parent is stopped before its children are listed, so that it makes no new ones meanwhile. PostgreSQL's backends have
 * sessions and groups of their own: a signal to the group of the postmaster would reach none of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { parseStat } from './proc.ts';

/** A pid that cannot be mistaken for a later process with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/** A stop takes effect when the process next leaves the kernel, which a running one does at once. */
const MOST_LOOKS = 2000;
const SIGSTOP_BIT = 1n << BigInt(constants.signals.SIGSTOP - 1);
/** More generations than any engine has: a bound, so that the walk ends. */
const MOST_GENERATIONS = 16;

const STOPPED: ReadonlySet<string> = new Set(['T', 't']);
/** In the kernel for I/O, or dead: it runs no code of its own before the stop that waits for it. */
const CANNOT_RUN: ReadonlySet<string> = new Set([...STOPPED, 'D', 'Z', 'X', '']);

/** Answers how many processes were stopped; 0: the root is gone. */
export function freezeTree(root: ProcessIdentity): number {
  let generation = isThere(root) ? [root.pid] : [];
  let count = 0;
  for (let depth = 0; generation.length > 0 && depth < MOST_GENERATIONS; depth++) {
    for (const pid of generation) signal(pid, 'SIGSTOP');
    for (const pid of generation) untilItCannotRun(pid);
    count += generation.length;
    generation = generation.flatMap(childrenOf);
  }
  return count;
}

export function thawTree(root: ProcessIdentity): void {
  if (!isThere(root)) return;
  const all = [root.pid];
  // It grows while it is walked.
  for (const pid of all) all.push(...childrenOf(pid));
  for (const pid of all.toReversed()) signal(pid, 'SIGCONT');
}

/** Of its first thread, which makes all of an engine's processes. Those that are known are not looked at again. */
export function childrenSeen(pid: number, known: readonly ProcessIdentity[]): readonly ProcessIdentity[] {
  return childrenOfThread(`/proc/${String(pid)}/task/${String(pid)}`).flatMap((child) => {
    const seen = known.find((each) => each.pid === child);
    if (seen !== undefined) return [seen];
    const startTicks = readStat(child)?.startTicks;
    return startTicks === undefined ? [] : [{ pid: child, startTicks }];
  });
}

/** What lives on of a root that died by itself. PostgreSQL's backends would end too, but only after their query. */
export function killOrphans(orphans: readonly ProcessIdentity[]): void {
  for (const orphan of orphans) if (isThere(orphan)) signal(orphan.pid, 'SIGKILL');
}

/** Also where it waits in the kernel, for a disk or for a child that is stopped itself, and stops as it comes back. */
export function isFrozen(root: ProcessIdentity): boolean {
  return isThere(root) && (STOPPED.has(stateOf(root.pid)) || hasStopPending(root.pid));
}

export function isThere({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat?.startTicks === startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** With all of its threads: one of them may be sending an answer while the first has stopped. */
function untilItCannotRun(pid: number): void {
  let running = threadsOf(pid);
  for (let looks = 0; running.length > 0 && looks < MOST_LOOKS; looks++)
    running = running.filter((thread) => !CANNOT_RUN.has(stateOf(`${String(pid)}/task/${thread}`)));
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${String(pid)}/task`);
  } catch {
    return [];
  }
}

const stateOf = (of: number | string): string => readStat(of)?.state ?? '';

/** Of a pid, or of `PID/task/THREAD`. */
function readStat(of: number | string): ReturnType<typeof parseStat> {
  try {
    return parseStat(readFileSync(`/proc/${String(of)}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

function hasStopPending(pid: number): boolean {
  try {
    const mask = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'latin1'))?.[1];
    return (BigInt(`0x${mask ?? '0'}`) & SIGSTOP_BIT) !== 0n;
  } catch {
    return false;
  }
}

/** Each thread has a list of those that it made. */
function childrenOf(pid: number): readonly number[] {
  return threadsOf(pid).flatMap((thread) => childrenOfThread(`/proc/${String(pid)}/task/${thread}`));
}

function childrenOfThread(path: string): readonly number[] {
  try {
    const words = readFileSync(`${path}/children`, 'latin1').split(' ');
    return words.filter((word) => word.trim() !== '').map(Number);
  } catch {
    // It has ended, and its children are nobody's who is known here.
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself: it will say nothing any more.
  }
}
