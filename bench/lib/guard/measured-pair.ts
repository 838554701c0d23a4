/** What one request costs both replicas together: bytes allocated, and system calls. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { told } from '../told.ts';
import { median } from '../statistics.ts';
import { BOUNDS } from './bounds.ts';
import type { Counted } from './pair-process.ts';
import { BATCH, RequestBatches, type RequestKind } from './request-batches.ts';

const run = promisify(execFile);

export interface Allocated {
  readonly heapBytes: number;
  readonly bufferBytes: number;
}

const MAIN = join(import.meta.dirname, 'pair-process.ts');
/** Of pair-process.ts. */
const VOLUME = 'guarded';
const SIZE_BYTES = 16 * 1024 * 1024;
/** Room for all that is allocated while it is counted: what is collected cannot be counted any more. */
const NODE_FLAGS = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];
/** Until the code of the data path is compiled for good, and maps and pools have the size that they keep. */
const WARM_BATCHES = 1500;
const COUNTED_BATCHES = 40;
const TRIES = 3;
const ROUNDS = 5;
const TRACED_BATCHES = 150;
const TRACED_WARM_BATCHES = 20;
/** Of memory, of threads that compile, and of waiting: how many depends on when who runs. */
const OF_THE_RUNTIME = new Set([
  'brk',
  'epoll_pwait',
  'futex',
  'madvise',
  'mmap',
  'mprotect',
  'munmap',
  'total',
]);

/** On a busy machine code is optimized late, and allocates more until then: once below the bound is enough. */
export async function leastAllocated(kind: RequestKind): Promise<Allocated> {
  let least = await allocatedPerRequest(kind);
  for (let tries = 1; tries < TRIES && least.heapBytes > BOUNDS[kind].heapBytes; tries++) {
    const next = await allocatedPerRequest(kind);
    if (next.heapBytes < least.heapBytes) least = next;
  }
  return least;
}

/** Of one request, the median of some rounds. Throws where garbage was collected while it was counted. */
async function allocatedPerRequest(kind: RequestKind): Promise<Allocated> {
  await using pair = await Pair.start([]);
  // A read of what was never written would be one of a hole.
  await pair.client.run('write', WARM_BATCHES);
  await pair.client.run(kind, WARM_BATCHES);
  const rounds: Allocated[] = [];
  while (rounds.length < ROUNDS) {
    await pair.ask('count');
    await pair.client.run(kind, COUNTED_BATCHES);
    const counted = (await pair.ask('tell')) as Counted;
    if (counted.collections > 0)
      throw new Error(
        `garbage was collected within ${String(COUNTED_BATCHES * BATCH)} requests: they allocate too much`,
      );
    rounds.push(counted);
  }
  const requests = COUNTED_BATCHES * BATCH;
  return {
    heapBytes: median(rounds.map(({ heapBytes }) => heapBytes)) / requests,
    bufferBytes: median(rounds.map(({ bufferBytes }) => bufferBytes)) / requests,
  };
}

export async function canTrace(): Promise<boolean> {
  try {
    await run('strace', ['-c', '-o', '/dev/null', 'true']);
    return true;
  } catch {
    return false;
  }
}

/**
 * Calls of one request by name, those of all threads: what a process that served so many made more than one that served
 * fewer. Needs strace.
 */
export async function systemCallsPerRequest(kind: RequestKind): Promise<ReadonlyMap<string, number>> {
  const few = await tracedCalls(kind, 0);
  const many = await tracedCalls(kind, TRACED_BATCHES);
  const requests = TRACED_BATCHES * BATCH;
  return new Map(
    [...many]
      .filter(([name]) => !OF_THE_RUNTIME.has(name))
      .map(([name, calls]) => [name, (calls - (few.get(name) ?? 0)) / requests]),
  );
}

async function tracedCalls(kind: RequestKind, batches: number): Promise<ReadonlyMap<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-strace-'));
  const output = join(folder, 'calls');
  try {
    {
      await using pair = await Pair.start(['strace', '-f', '-c', '-o', output]);
      await pair.client.run('write', TRACED_WARM_BATCHES);
      await pair.client.run(kind, batches);
      await pair.end();
    }
    const rows = readFileSync(output, 'utf8').matchAll(
      /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/gm,
    );
    return new Map([...rows].map(([, calls = '', name = '']) => [name, Number(calls)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class Pair implements AsyncDisposable {
  readonly client: RequestBatches;
  readonly #child: ChildProcess;
  readonly #folder: string;

  /** `under`: a program and its arguments that run another. */
  static async start(under: readonly string[]): Promise<Pair> {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-guard-'));
    const node = [process.execPath, ...NODE_FLAGS, MAIN, folder, String(SIZE_BYTES)];
    const [program = '', ...argv] = [...under, ...node];
    const child = spawn(program, argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    try {
      await told(child);
      const client = await RequestBatches.open(join(folder, 'nbd.sock'), VOLUME, SIZE_BYTES);
      return new Pair(client, child, folder);
    } catch (error) {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(client: RequestBatches, child: ChildProcess, folder: string) {
    this.client = client;
    this.#child = child;
    this.#folder = folder;
  }

  ask(question: 'count' | 'tell'): Promise<unknown> {
    const answer = told(this.#child);
    this.#child.send(question);
    return answer;
  }

  async end(): Promise<void> {
    this.client.close();
    await ended(this.#child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** By itself, as it does without a parent: a tracer has to tell what it counted. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exit;
}
