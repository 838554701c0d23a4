/** One run of fio against something that is served, and what it says of it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Work } from './works.ts';

const run = promisify(execFile);

/** What fio works on: an export, or a file. */
export type Target = { readonly uri: string } | { readonly file: string };

export interface FioOptions {
  readonly seconds: number;
  readonly rampSeconds: number;
  readonly sizeBytes: number;
  /** As taskset(1) takes them. */
  readonly cpus: string;
  /** Ends it before its time. */
  readonly signal?: AbortSignal | undefined;
}

export interface FioResult {
  /** In the unit of the work. */
  readonly rate: number;
  /** From the submission of a request to its completion. */
  readonly latencyUs: LatencyUs;
}

export interface LatencyUs {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const NS_PER_US = 1000;
const BYTES_PER_MB = 1e6;
const OUTPUT_BYTES = 16 * 1024 * 1024;
const FILL_BLOCK_BYTES = 1024 * 1024;
const FILL_DEPTH = 4;

const sideSchema = z.object({
  iops: z.number(),
  bw_bytes: z.number(),
  clat_ns: z.object({ max: z.number(), percentile: z.record(z.string(), z.number()).optional() }),
});
const reportSchema = z.object({
  jobs: z.array(z.object({ error: z.number(), read: sideSchema, write: sideSchema })),
});

export async function fio(work: Work, target: Target, options: FioOptions): Promise<FioResult> {
  const { seconds, rampSeconds, sizeBytes, cpus, signal } = options;
  const job = [
    `--rw=${work.readWrite}`,
    `--bs=${String(work.blockBytes)}`,
    `--iodepth=${String(work.depth)}`,
    `--numjobs=${String(work.connections)}`,
    ...(work.fsync ? ['--fsync=1'] : []),
    '--group_reporting',
    '--time_based',
    `--runtime=${String(seconds)}`,
    `--ramp_time=${String(rampSeconds)}`,
    '--norandommap',
    '--invalidate=0',
    '--randrepeat=0',
    '--percentile_list=50:99:99.9',
  ];
  const side = await report(
    job,
    target,
    { sizeBytes, cpus, signal },
    work.readWrite.endsWith('read') ? 'read' : 'write',
  );
  const us = (percentile: string): number =>
    (side.clat_ns.percentile?.[percentile] ?? Number.NaN) / NS_PER_US;
  return {
    rate: work.unit === 'IOPS' ? side.iops : side.bw_bytes / BYTES_PER_MB,
    latencyUs: {
      p50: us('50.000000'),
      p99: us('99.000000'),
      p999: us('99.900000'),
      max: side.clat_ns.max / NS_PER_US,
    },
  };
}

/** Writes all of it once: what is measured neither finds a hole nor has to allocate. */
export async function fill(
  target: Target,
  options: Pick<FioOptions, 'sizeBytes' | 'cpus' | 'signal'>,
): Promise<void> {
  const job = [
    '--rw=write',
    `--bs=${String(FILL_BLOCK_BYTES)}`,
    `--iodepth=${String(FILL_DEPTH)}`,
    '--end_fsync=1',
  ];
  await report(job, target, options, 'write');
}

async function report(
  job: readonly string[],
  target: Target,
  { sizeBytes, cpus, signal }: Pick<FioOptions, 'sizeBytes' | 'cpus' | 'signal'>,
  side: 'read' | 'write',
): Promise<z.infer<typeof sideSchema>> {
  const where =
    'uri' in target
      ? ['--ioengine=nbd', `--uri=${target.uri}`]
      : ['--ioengine=io_uring', `--filename=${target.file}`];
  const common = ['--name=bench', `--size=${String(sizeBytes)}`, '--output-format=json', ...where];
  const { stdout } = await run('taskset', ['--cpu-list', cpus, 'fio', ...common, ...job], {
    maxBuffer: OUTPUT_BYTES,
    signal,
  });
  // Warnings stand in front of it.
  const { jobs } = reportSchema.parse(JSON.parse(stdout.slice(stdout.indexOf('{'))));
  const [only] = jobs;
  if (only === undefined || only.error !== 0) throw new Error(`fio failed with error ${String(only?.error)}`);
  return only[side];
}
