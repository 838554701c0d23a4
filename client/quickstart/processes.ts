/**
 * The processes of a quick start, found by what they are rather than by what was written down: a pid file can be
 * missing or old, and a pid can belong to somebody else by now.
 *
 * A process is of a host if it is one of the programs that hosts run and its command line or its working folder is
 * below the host's folder, or if it descends from such a process. A person's editor or `tail -f` on a log is not.
 */
import { readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  argumentsOf,
  livingProcesses,
  type ProcessStat,
  statOf,
  withDescendants,
  workingFolderOf,
} from '../../daemon/host/proc.ts';

/** A pid that cannot be mistaken for a later process with the same number. */
export type ProcessIdentity = Pick<ProcessStat, 'pid' | 'startTicks'>;

export interface ProcessInfo extends ProcessStat {
  /** The name of its executable: what a process calls itself, a PostgreSQL changes. */
  readonly program: string;
  readonly argv: readonly string[];
  readonly workingFolder: string;
}

const HOST_PROGRAMS: ReadonlySet<string> = new Set([
  'postgres',
  'pg_ctl',
  'initdb',
  'qemu-storage-daemon',
  'mke2fs',
  'mount',
  'umount',
  'losetup',
]);

const SHELLS: ReadonlySet<string> = new Set(['dash', 'bash', 'sh', 'busybox']);
const MIN_SCRIPT_ARGUMENTS = 4;

/** Pure: the processes of `all` that belong to the folder, never one of `spared`. */
export function processesBelow(
  all: readonly ProcessInfo[],
  folder: string,
  spared: ReadonlySet<number>,
): readonly ProcessInfo[] {
  const roots = all.filter((info) => !spared.has(info.pid) && isHostProcess(info, folder));
  const pids = new Set(
    withDescendants(
      roots.map((info) => info.pid),
      all,
    ).map((stat) => stat.pid),
  );
  return all.filter((info) => pids.has(info.pid) && !spared.has(info.pid));
}

function isHostProcess(info: ProcessInfo, folder: string): boolean {
  const named = info.argv.some((argument) => namesFolder(argument, folder));
  if (isDaemon(info) || isScript(info)) return named;
  return HOST_PROGRAMS.has(info.program) && (named || isBelow(info.workingFolder, folder));
}

/** `node .../daemon/main.ts --config ...`, or another program of the daemon's folder. */
function isDaemon(info: ProcessInfo): boolean {
  return info.program === 'node' && info.argv.some((argument) => /\/daemon\/[\w/-]+\.ts$/.test(argument));
}

/** `sh -c SCRIPT sh ARGUMENTS`, by which hosts work on mounted volumes; without arguments it is a person's. */
function isScript(info: ProcessInfo): boolean {
  return SHELLS.has(info.program) && info.argv[1] === '-c' && info.argv.length > MIN_SCRIPT_ARGUMENTS;
}

/** `/x/a`, `/x/a/y` and `--opt=path=/x/a/y,z` name /x/a; `/x/ab` and `/y/x/a` do not. */
function namesFolder(argument: string, folder: string): boolean {
  for (let at = argument.indexOf(folder); at >= 0; at = argument.indexOf(folder, at + 1)) {
    const before = argument[at - 1] ?? '=';
    const after = argument[at + folder.length] ?? '/';
    if (/[=,:\s"']/.test(before) && /[/,:\s"']/.test(after)) return true;
  }
  return false;
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

export async function processesOf(folder: string): Promise<readonly ProcessInfo[]> {
  const [all, spared] = await Promise.all([allProcesses(), ownAncestry()]);
  return processesBelow(all, folder, spared);
}

async function allProcesses(): Promise<readonly ProcessInfo[]> {
  return Promise.all((await livingProcesses()).map(described));
}

/** Undefined once it is gone. */
export async function processInfo(pid: number): Promise<ProcessInfo | undefined> {
  const stat = await statOf(pid);
  return stat === undefined ? undefined : described(stat);
}

async function described(stat: ProcessStat): Promise<ProcessInfo> {
  const [argv, workingFolder, executable] = await Promise.all([
    argumentsOf(stat.pid),
    workingFolderOf(stat.pid),
    readlink(`/proc/${String(stat.pid)}/exe`).catch(() => ''),
  ]);
  return {
    ...stat,
    argv,
    // The kernel notes it behind the path when what it names was unmounted or replaced meanwhile.
    workingFolder: withoutNote(workingFolder ?? ''),
    program: basename(withoutNote(executable)),
  };
}

function withoutNote(path: string): string {
  return path.replace(/ \(deleted\)$/, '');
}

/** This process and those that it descends from: npm and sh have our state folder on their command lines too. */
async function ownAncestry(): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  for (let pid = process.pid; pid > 0 && !found.has(pid); pid = (await statOf(pid))?.parent ?? 0)
    found.add(pid);
  return found;
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await statOf(identity.pid))?.startTicks === identity.startTicks;
}

export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const POLL_MS = 25;

export async function waitUntilGone(
  identities: readonly ProcessIdentity[],
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<boolean> {
  const deadline = performance.now() + options.timeoutMs;
  while ((await Promise.all(identities.map(isAlive))).includes(true)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  return true;
}

/** A process that forks while it is looked for is found in the next round. */
const MAX_KILL_ROUNDS = 20;
const KILL_ROUND_MS = 500;

/** SIGKILLs every process of the folder until there is none; answers which there were. */
export async function killProcessesOf(folder: string): Promise<readonly ProcessInfo[]> {
  const killed = new Map<number, ProcessInfo>();
  for (let round = 0; round < MAX_KILL_ROUNDS; round += 1) {
    const left = await processesOf(folder);
    if (left.length === 0) break;
    for (const info of left) killed.set(info.pid, info);
    await Promise.all(left.map((info) => signalProcess(info, 'SIGKILL')));
    await waitUntilGone(left, { timeoutMs: KILL_ROUND_MS });
  }
  return [...killed.values()];
}
