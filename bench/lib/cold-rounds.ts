/**
 * A client that writes hot blocks at depth 1, alone and beside what takes a disk long: cold reads, a large discard, the
 * deletion of a snapshot that holds much. In turn within each round.
 */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type BareVolume, PRIMARY, SECONDARY, VOLUME } from './bare-volume.ts';
import { dropFromCache, fioJob } from './cold-reader.ts';
import { NbdWriter } from './nbd-writer.ts';
import { percentile } from './statistics.ts';

export interface ColdPlan {
  readonly rounds: number;
  readonly seconds: number;
  /** Of each round. */
  readonly discardBytes: number;
  readonly snapshotBytes: number;
  /** Of the plain file that is read beside hot writes: what the disk itself does. */
  readonly floorBytes: number;
}

export interface Latency {
  readonly writes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

interface ColdRound {
  readonly alone: Latency;
  readonly beside: Latency;
}

export type Scene =
  'cold reads' | 'hot reads' | 'discard' | 'snapshot deletion' | 'cold reads of a plain file';

export interface Measured extends ColdRound {
  readonly scene: Scene;
  /** What was done beside it, in words. */
  readonly what: string;
  /** The replica, asked ten times a second: the states it told, and the longest it took to tell. */
  readonly states: readonly string[];
  readonly longestAnswerMs: number;
}

const run = promisify(execFile);

const BLOCK_BYTES = 4096;
const HOT_BYTES = 64 * 1024 * 1024;
const READ_DEPTH = 16;
const SETTLE_MS = 500;
const ASK_EVERY_MS = 100;
const MIB = 2 ** 20;
const LARGEST_TRIM_BYTES = 2 ** 31;
const US_PER_MS = 1000;

export class ColdRounds {
  readonly #volume: BareVolume;
  readonly #plan: ColdPlan;
  readonly #uri: string;
  readonly #files: readonly string[];

  /** Fills it: what is hot is at its end. */
  static async fill(volume: BareVolume, plan: ColdPlan): Promise<ColdRounds> {
    const uri = `nbd+unix:///${VOLUME}?socket=${volume.socketPath}`;
    const files = [await volume.dataFile(PRIMARY), await volume.dataFile(SECONDARY)];
    const { sizeBytes } = volume;
    const job = { target: { uri }, offset: 0, sizeBytes, depth: 4, blockBytes: 256 * 1024, seconds: 0 };
    await fioJob({ ...job, readWrite: 'write' });
    return new ColdRounds(volume, plan, { uri, files });
  }

  private constructor(
    volume: BareVolume,
    plan: ColdPlan,
    { uri, files }: { readonly uri: string; readonly files: readonly string[] },
  ) {
    this.#volume = volume;
    this.#plan = plan;
    this.#uri = uri;
    this.#files = files;
  }

  async coldReads(): Promise<Measured> {
    const { seconds } = this.#plan;
    for (const file of this.#files) await dropFromCache(file);
    await this.#warmHot();
    return this.#measure('cold reads', async () => {
      const sizeBytes = this.#volume.sizeBytes - HOT_BYTES;
      const report = await this.#fio('randread', { offset: 0, sizeBytes, seconds });
      return `${String(Math.round(report.read.iops))} reads of 4 KiB a second`;
    });
  }

  /** What the processors make of as many clients, without a disk. */
  async hotReads(): Promise<Measured> {
    const { seconds } = this.#plan;
    await this.#warmHot();
    return this.#measure('hot reads', async () => {
      const offset = this.#volume.sizeBytes - HOT_BYTES;
      const report = await this.#fio('randread', { offset, sizeBytes: HOT_BYTES, seconds });
      return `${String(Math.round(report.read.iops))} reads of 4 KiB a second`;
    });
  }

  async discard(round: number): Promise<Measured> {
    const { discardBytes } = this.#plan;
    const client = await NbdWriter.open(this.#volume.socketPath, VOLUME);
    try {
      return await this.#measure('discard', async () => {
        const startMs = performance.now();
        for (let done = 0; done < discardBytes; done += LARGEST_TRIM_BYTES) {
          const length = Math.min(LARGEST_TRIM_BYTES, discardBytes - done);
          await client.trim(round * discardBytes + done, length);
        }
        return `${(discardBytes / MIB).toFixed(0)} MiB in ${(performance.now() - startMs).toFixed(0)} ms`;
      });
    } finally {
      await client.close();
    }
  }

  /** Of what the volume had where it was written since. */
  async deletion(round: number): Promise<Measured> {
    const { snapshots } = this.#volume.installation.client;
    const { snapshotBytes, seconds } = this.#plan;
    const name = `cold-${String(round)}`;
    await snapshots.create(VOLUME, name);
    const offset = this.#volume.sizeBytes - HOT_BYTES - snapshotBytes;
    const job = { target: { uri: this.#uri }, depth: 4, blockBytes: 256 * 1024, seconds: 0 };
    await fioJob({ ...job, offset, sizeBytes: snapshotBytes, readWrite: 'write' });
    const measured = await this.#measure('snapshot deletion', async () => {
      await snapshots.delete(`${VOLUME}@${name}`);
      await sleep(seconds * 1000);
      return `${(snapshotBytes / MIB).toFixed(0)} MiB, and what follows for ${String(seconds)} s`;
    });
    await this.#volume.dataFile(PRIMARY);
    return measured;
  }

  /** The same against a file of the same file system, without anybody between: hot writes, and cold reads beside them. */
  async floor(): Promise<Measured> {
    const { floorBytes, seconds } = this.#plan;
    const file = join(this.#volume.installation.plan.stateDir, 'floor');
    const job = { target: { file }, blockBytes: BLOCK_BYTES, seconds };
    try {
      await fioJob({
        ...job,
        ...{ readWrite: 'write', depth: 1, offset: 0, sizeBytes: floorBytes, blockBytes: MIB, seconds: 0 },
      });
      const hot = {
        ...job,
        readWrite: 'randwrite',
        depth: 1,
        sizeBytes: HOT_BYTES,
        offset: floorBytes,
      } as const;
      const write = async (): Promise<Latency> => {
        const { write: side } = await fioJob(hot);
        const us = (percent: string): number => (side.clat_ns.percentile?.[percent] ?? Number.NaN) / 1000;
        return { writes: 0, p50Us: us('50.000000'), p99Us: us('99.000000'), maxUs: side.clat_ns.max / 1000 };
      };
      await dropFromCache(file);
      await write();
      const alone = await write();
      await dropFromCache(file);
      const read = {
        ...job,
        readWrite: 'randread',
        depth: READ_DEPTH,
        offset: 0,
        sizeBytes: floorBytes,
      } as const;
      const [beside, report] = await Promise.all([write(), fioJob(read)]);
      const what = `${String(Math.round(report.read.iops))} reads of 4 KiB a second`;
      return { scene: 'cold reads of a plain file', alone, beside, what, states: [], longestAnswerMs: 0 };
    } finally {
      await rm(file, { force: true });
    }
  }

  async #measure(scene: Scene, work: () => Promise<string>): Promise<Measured> {
    // Else the disk is still busy with what the scene before left in the page cache.
    await run('sync');
    const ended = new AbortController();
    const asked = this.#ask(ended.signal);
    try {
      await sleep(SETTLE_MS);
      const alone = await this.#write(sleep(this.#plan.seconds * 1000));
      const working = work();
      const beside = await this.#write(working);
      const what = await working;
      ended.abort();
      return { scene, alone, beside, what, ...(await asked) };
    } finally {
      ended.abort();
      await asked;
    }
  }

  /** Hot blocks one after the other until the work ends. */
  async #write(work: Promise<unknown>): Promise<Latency> {
    const writer = await NbdWriter.open(this.#volume.socketPath, VOLUME);
    const data = Buffer.alloc(BLOCK_BYTES, 'hot');
    const first = this.#volume.sizeBytes - HOT_BYTES;
    const took: number[] = [];
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    try {
      while (!isOver) {
        const offset = first + randomInt(HOT_BYTES / BLOCK_BYTES) * BLOCK_BYTES;
        const startMs = performance.now();
        await writer.write(offset, data);
        took.push((performance.now() - startMs) * US_PER_MS);
      }
    } finally {
      await writer.close();
    }
    await over;
    took.sort((a, b) => a - b);
    return {
      writes: took.length,
      p50Us: percentile(took, 50),
      p99Us: percentile(took, 99),
      maxUs: took.at(-1) ?? Number.NaN,
    };
  }

  async #ask(signal: AbortSignal): Promise<Pick<Measured, 'states' | 'longestAnswerMs'>> {
    const states = new Set<string>();
    let longestAnswerMs = 0;
    while (!signal.aborted) {
      const startMs = performance.now();
      states.add((await this.#volume.primary()).state);
      longestAnswerMs = Math.max(longestAnswerMs, performance.now() - startMs);
      await Promise.race([sleep(ASK_EVERY_MS), once(signal, 'abort')]);
    }
    return { states: [...states], longestAnswerMs };
  }

  /** It was thrown out with the rest. */
  async #warmHot(): Promise<void> {
    const offset = this.#volume.sizeBytes - HOT_BYTES;
    const job = { target: { uri: this.#uri }, depth: 4, blockBytes: 256 * 1024, seconds: 0 };
    await fioJob({ ...job, readWrite: 'write', offset, sizeBytes: HOT_BYTES });
  }

  #fio(
    readWrite: 'randread',
    part: { readonly offset: number; readonly sizeBytes: number; readonly seconds: number },
  ): ReturnType<typeof fioJob> {
    const target = { uri: this.#uri };
    return fioJob({ target, readWrite, depth: READ_DEPTH, blockBytes: BLOCK_BYTES, ...part });
  }
}
