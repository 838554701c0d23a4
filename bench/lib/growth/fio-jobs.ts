/** One fio with a job for each of several exports, all at the same time, and what it says of each. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const OUTPUT_BYTES = 16 * 1024 * 1024;
const NS_PER_US = 1000;

export interface RandomWrites {
  /** Of each export. */
  readonly depth: number;
  readonly seconds: number;
  readonly sizeBytes: number;
}

export interface JobResult {
  readonly iops: number;
  readonly latencyUs: { readonly mean: number; readonly p50: number; readonly p99: number };
}

const reportSchema = z.object({
  jobs: z.array(
    z.object({
      error: z.number(),
      write: z.object({
        iops: z.number(),
        clat_ns: z.object({ mean: z.number(), percentile: z.record(z.string(), z.number()).optional() }),
      }),
    }),
  ),
});

/** 4 KiB at a time, in the order of the exports. */
export async function randomWrites(
  uris: readonly string[],
  { depth, seconds, sizeBytes }: RandomWrites,
): Promise<readonly JobResult[]> {
  const common = [
    '--output-format=json',
    '--ioengine=nbd',
    '--rw=randwrite',
    '--bs=4096',
    `--iodepth=${String(depth)}`,
    `--size=${String(sizeBytes)}`,
    '--time_based',
    `--runtime=${String(seconds)}`,
    '--ramp_time=1',
    '--norandommap',
    '--randrepeat=0',
    '--percentile_list=50:99',
  ];
  const jobs = uris.flatMap((uri, index) => [`--name=job${String(index)}`, `--uri=${uri}`]);
  const { stdout } = await run('fio', [...common, ...jobs], { maxBuffer: OUTPUT_BYTES });
  // Warnings stand in front of it.
  const report = reportSchema.parse(JSON.parse(stdout.slice(stdout.indexOf('{'))));
  const failed = report.jobs.find(({ error }) => error !== 0);
  if (failed !== undefined || report.jobs.length !== uris.length)
    throw new Error(`fio failed with error ${String(failed?.error)}`);
  return report.jobs.map(({ write: { iops, clat_ns: latency } }) => ({
    iops,
    latencyUs: {
      mean: latency.mean / NS_PER_US,
      p50: (latency.percentile?.['50.000000'] ?? Number.NaN) / NS_PER_US,
      p99: (latency.percentile?.['99.000000'] ?? Number.NaN) / NS_PER_US,
    },
  }));
}
