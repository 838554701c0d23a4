/**
 * Long-lived children that outlive our daemon: its restart must only be a pause for the engine, so they get a session
 * of their own, log to a file, and are found again by a record in the state folder.
 *
 * A record is pid, start time and boot: engines start at the same moment of each boot, when pids are given out in the
 * same order too, and whoever is taken for ours is killed. It is written after the fork, so a daemon killed between the two leaves a child
 * without one. Such an orphan is known by its marker: a path below our state folder that stands in its arguments, and
 * that no other daemon on this machine uses. Nothing has relied on an orphan yet, so it is killed, not adopted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, open, readdir, rename, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { LockstepError, messageOf } from '../sys/errors.ts';
import { childEnvironment, lastLines, type SystemUser } from './commands.ts';
import { readRecord, removeRecord, writeRecord } from './durable.ts';
import { KILL_WAIT_MS, LOG_FILE_BYTES, LOG_TAIL_BYTES, LOG_TAIL_LINES, POLL_MS } from './limits.ts';
import { poll } from './poll.ts';
import type { ProcessIdentity } from './process-tree.ts';
import {
  argumentsOf,
  bootIdOfMachine,
  livingProcesses,
  type ProcessStat,
  statOf,
  withDescendants,
  workingFolderOf,
} from './proc.ts';

export interface ProcessSpec {
  /** Unique below this state folder; names the record. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Its marker is a path below the state folder that one of the arguments contains. */
  readonly belongings: Belongings;
  readonly logFile: string;
  readonly user?: SystemUser;
  /** The volume whose engine it is: it speaks only under the lease of that volume. */
  readonly engineOf?: string;
}

/** The kernel keeps no more of a program's name. */
export const COMMAND_NAME_BYTES = 15;

const recordSchema = z.object({
  pid: z.int(),
  startTicks: z.int(),
  bootId: z.string(),
  engineOf: z.string().optional(),
});
type ProcessRecord = Readonly<z.output<typeof recordSchema>>;

/** What killTree looks for besides the recorded process and its descendants. */
export interface Belongings {
  /** Programs that may be ours: an editor or a shell of a person at the same path is none of our business. */
  readonly programs: readonly string[];
  readonly marker?: string;
  /** Processes whose working folder is this one or below it. */
  readonly workingFolder?: string;
}

type EngineStarted = (volume: string, root: ProcessIdentity) => void;

export class ProcessSupervisor {
  private readonly runDir: string;
  private readonly host: string;
  private readonly bootId = bootIdOfMachine();
  private readonly engineStarted: EngineStarted;

  constructor(options: {
    readonly runDir: string;
    readonly host: string;
    /** Before anything else is done about it. */
    readonly engineStarted?: EngineStarted;
  }) {
    this.runDir = options.runDir;
    this.host = options.host;
    this.engineStarted = options.engineStarted ?? (() => undefined);
  }

  /** Starts it, unless it runs already; remains of a former life are killed first. The record is then durable. */
  async start(spec: ProcessSpec): Promise<number> {
    const alive = await this.pidOf(spec.name);
    if (alive !== undefined) return alive;
    const left = await this.killTree(spec.name, spec.belongings);
    if (left.length > 0)
      throw new LockstepError('UNAVAILABLE', `${spec.name} hangs in the kernel as pid ${left.join(', ')}`, {
        reason: 'PROCESS_STUCK',
        metadata: { process: spec.name },
      });
    const pid = await this.fork(spec);
    const stat = await statOf(pid);
    // Gone already: there is nothing to record, and the log says why.
    if (stat !== undefined) {
      const { startTicks } = stat;
      const { engineOf } = spec;
      if (engineOf !== undefined) this.engineStarted(engineOf, { pid, startTicks });
      await writeRecord(this.recordPath(spec.name), { pid, startTicks, bootId: this.bootId, engineOf });
    }
    return pid;
  }

  /** The pid of the recorded process, if it is that very process and alive. */
  async pidOf(name: string): Promise<number | undefined> {
    const record = await this.read(name);
    return record === undefined ? undefined : this.verified(record);
  }

  /** The engines that are alive, by their volume. */
  async engines(): Promise<ReadonlyMap<string, ProcessIdentity>> {
    const names = (await readdir(this.runDir).catch(() => [])).filter((name) => name.endsWith('.json'));
    const found = await Promise.all(
      names.map(async (name) => {
        const record = await this.read(name.slice(0, -'.json'.length));
        if (record?.engineOf === undefined || (await this.verified(record)) === undefined) return [];
        return [[record.engineOf, { pid: record.pid, startTicks: record.startTicks }] as const];
      }),
    );
    return new Map(found.flat());
  }

  async isAlive(name: string): Promise<boolean> {
    return (await this.pidOf(name)) !== undefined;
  }

  /** Whether it was started and nobody has stopped it since; it may have died. */
  async isRecorded(name: string): Promise<boolean> {
    return (await this.read(name)) !== undefined;
  }

  /** Every recorded process, dead ones whose record was left among them. */
  async list(): Promise<readonly { readonly name: string; readonly pid: number; readonly alive: boolean }[]> {
    const files = await readdir(this.runDir).catch(() => []);
    const names = files.flatMap((file) => /^(.+)\.json$/.exec(file)?.slice(1) ?? []);
    const found = await Promise.all(
      names.map(async (name) => {
        const record = await this.read(name);
        if (record === undefined) return [];
        return [{ name, pid: record.pid, alive: (await this.verified(record)) !== undefined }];
      }),
    );
    return found.flat();
  }

  /** Sends the signal, waits for the end, and after the grace kills whatever is left. */
  async stop(
    name: string,
    options: { readonly signal: NodeJS.Signals; readonly graceMs: number } & Belongings,
  ): Promise<'ended' | 'killed'> {
    const pid = await this.pidOf(name);
    let ended = true;
    if (pid !== undefined) {
      signalProcess(pid, options.signal);
      const gone = async () => ((await this.isAlive(name)) ? undefined : true);
      ended = (await poll(gone, { everyMs: POLL_MS, timeoutMs: options.graceMs })) === true;
    }
    await this.killTree(name, options);
    return ended ? 'ended' : 'killed';
  }

  /**
   * SIGKILL for the process, its descendants and its belongings. Answers the pids that were still there after a
   * bounded wait: they hang in the kernel and end with their I/O.
   */
  async killTree(name: string, belongings: Belongings): Promise<readonly number[]> {
    // Remembered once hit: a child loses its parent with the kill, and its working folder with a lazy unmount.
    const hit = new Map<number, ProcessStat>();
    const step = async (): Promise<true | undefined> => {
      for (const [pid, target] of hit)
        if ((await statOf(pid))?.startTicks !== target.startTicks) hit.delete(pid);
      for (const target of await this.treeOf(name, belongings)) {
        if (hit.has(target.pid)) continue;
        hit.set(target.pid, target);
        signalProcess(target.pid, 'SIGKILL');
      }
      return hit.size === 0 ? true : undefined;
    };
    const done = await poll(step, { everyMs: POLL_MS, timeoutMs: KILL_WAIT_MS });
    if (done === true) await removeRecord(this.recordPath(name));
    return [...hit.keys()];
  }

  /** Pids of processes that carry the marker or work in the folder, with or without a record. */
  async find(belongings: Belongings): Promise<readonly number[]> {
    const names = belongings.programs.map((program) => program.slice(0, COMMAND_NAME_BYTES));
    const all = (await livingProcesses()).filter((stat) => names.includes(stat.command));
    const hits = await Promise.all(all.map((stat) => belongs(stat.pid, belongings)));
    return all.filter((_, index) => hits[index] === true).map((stat) => stat.pid);
  }

  private async treeOf(name: string, belongings: Belongings) {
    const recorded = await this.pidOf(name);
    const found = await this.find(belongings);
    const roots = recorded === undefined ? found : [recorded, ...found];
    return roots.length === 0 ? [] : withDescendants(roots, await livingProcesses());
  }

  private async fork(spec: ProcessSpec): Promise<number> {
    await mkdir(dirname(spec.logFile), { recursive: true, mode: 0o711 });
    await rotate(spec.logFile);
    const log = await open(spec.logFile, 'a', 0o640);
    try {
      const child = spawn(spec.program, spec.args, {
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        env: { ...childEnvironment, LOCKSTEP_HOST: this.host },
        cwd: '/',
        ...(spec.user ?? {}),
      });
      child.unref();
      await once(child, 'spawn');
      if (child.pid === undefined) throw new Error('no pid');
      return child.pid;
    } catch (cause) {
      throw new LockstepError('FAILED_PRECONDITION', `cannot run ${spec.program}: ${messageOf(cause)}`, {
        reason: 'PROGRAM_MISSING',
        metadata: { program: spec.program },
        cause,
      });
    } finally {
      await log.close();
    }
  }

  private async read(name: string): Promise<ProcessRecord | undefined> {
    return recordSchema.safeParse(await readRecord(this.recordPath(name))).data;
  }

  private async verified(record: ProcessRecord): Promise<number | undefined> {
    if (record.bootId !== this.bootId) return undefined;
    const stat = await statOf(record.pid);
    return stat?.startTicks === record.startTicks ? record.pid : undefined;
  }

  private recordPath(name: string): string {
    return join(this.runDir, `${name}.json`);
  }
}

async function belongs(pid: number, belongings: Belongings): Promise<boolean> {
  const { marker, workingFolder } = belongings;
  if (marker !== undefined && (await argumentsOf(pid)).some((argument) => containsPath(argument, marker)))
    return true;
  if (workingFolder === undefined) return false;
  const folder = await workingFolderOf(pid);
  return folder !== undefined && (folder === workingFolder || folder.startsWith(`${workingFolder}/`));
}

/** Whether the path stands in the argument as a whole: /state/a/orders is not in /state/a/orders-2. */
export function containsPath(argument: string, path: string): boolean {
  for (let at = argument.indexOf(path); at >= 0; at = argument.indexOf(path, at + 1)) {
    const next = argument[at + path.length];
    if (next === undefined || next === ',' || next === '/' || next === ' ') return true;
  }
  return false;
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime, which is what was wanted.
  }
}

/**
 * For the log of a living process, which appends and cannot be told of another file: what it has is copied aside and the
 * file emptied. The few lines of the moment between are lost, where the disk of the volumes would else fill up.
 */
export async function boundLog(logFile: string): Promise<void> {
  if (bounding.has(logFile)) return;
  bounding.add(logFile);
  try {
    const { size } = await stat(logFile);
    if (size <= LOG_FILE_BYTES) return;
    await copyFile(logFile, `${logFile}.1`).finally(() => truncate(logFile));
  } catch {
    // No log yet; or a disk so full that the copy failed, after which emptying was all the more right.
  } finally {
    bounding.delete(logFile);
  }
}

const bounding = new Set<string>();

async function rotate(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_FILE_BYTES) await rename(logFile, `${logFile}.1`);
}

/** The last lines of a log of ours; the file lies in the state folder, not on a replicated file system. */
export async function logTail(logFile: string, fromByte = 0): Promise<readonly string[]> {
  try {
    const file = await open(logFile, 'r');
    try {
      const { size } = await file.stat();
      // A log that is shorter than it was is a new one.
      const position = Math.max(fromByte <= size ? fromByte : 0, size - LOG_TAIL_BYTES, 0);
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(LOG_TAIL_BYTES),
        0,
        LOG_TAIL_BYTES,
        position,
      );
      return lastLines(buffer.toString('utf8', 0, bytesRead), LOG_TAIL_LINES);
    } finally {
      await file.close();
    }
  } catch {
    return [];
  }
}
