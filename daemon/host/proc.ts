/** What /proc says about processes. Nothing here waits for a disk: links and lines come from the kernel's memory. */
import { readFileSync } from 'node:fs';
import { open, readdir, readFile, readlink } from 'node:fs/promises';
import { sharedRuns } from '../sys/shared-runs.ts';

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** The program's name, at most 15 bytes of it. */
  readonly command: string;
  /** One letter: R, S, D, Z, ... */
  readonly state: string;
  /** Clock ticks since boot: with the pid it names one process of this boot, also when the pid is used again. */
  readonly startTicks: number;
}

/**
 * The fields that are looked at come long before. `readFile` takes 64 KiB for a file of the kernel's, whose size it is
 * not told: 100 volumes that look for their processes left 800 MB of garbage, which stayed in an idle daemon.
 */
const STAT_BYTES = 1024;

/** Changes with each boot of the machine. What is kept about a process is worth nothing after it. */
export function bootIdOfMachine(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Parses /proc/PID/stat. The command stands in parentheses and may hold spaces and parentheses itself. */
export function parseStat(text: string): ProcessStat | undefined {
  const close = text.lastIndexOf(')');
  if (close < 0) return undefined;
  const fields = text
    .slice(close + 2)
    .trim()
    .split(' ');
  const [state, parent] = fields;
  // Field 22 of proc(5), where the state is field 3.
  const start = fields[19];
  const pid = Number.parseInt(text, 10);
  const command = text.slice(text.indexOf('(') + 1, close);
  if (state === undefined || parent === undefined || start === undefined || Number.isNaN(pid))
    return undefined;
  return { pid, parent: Number(parent), command, state, startTicks: Number(start) };
}

/** Undefined when there is no such process, or only its remains that nobody has waited for. */
export async function statOf(pid: number): Promise<ProcessStat | undefined> {
  try {
    await using file = await open(`/proc/${String(pid)}/stat`);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(STAT_BYTES), 0, STAT_BYTES, 0);
    const stat = parseStat(buffer.toString('latin1', 0, bytesRead));
    return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat;
  } catch {
    return undefined;
  }
}

/** Shared: a start looks for the processes of each volume at once. */
export const livingProcesses = sharedRuns(async (): Promise<readonly ProcessStat[]> => {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(names.map((name) => statOf(Number(name))));
  return stats.filter((stat) => stat !== undefined);
});

/** Arguments of a process; empty for one that is gone and for kernel threads. */
export async function argumentsOf(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).split('\0').filter((part) => part !== '');
  } catch {
    return [];
  }
}

export async function workingFolderOf(pid: number): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${String(pid)}/cwd`);
  } catch {
    return undefined;
  }
}

/** The processes and all that descend from them, oldest generation first. */
export function withDescendants(
  roots: readonly number[],
  all: readonly ProcessStat[],
): readonly ProcessStat[] {
  const wanted = new Set(roots);
  for (let size = -1; size !== wanted.size;) {
    size = wanted.size;
    for (const stat of all) if (wanted.has(stat.parent)) wanted.add(stat.pid);
  }
  return all.filter((stat) => wanted.has(stat.pid));
}
