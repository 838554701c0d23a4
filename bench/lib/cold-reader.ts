/** fio that reads at random what is in no page cache, through NBD or from a plain file. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Target } from './speed/fio.ts';

const run = promisify(execFile);

const reportSchema = z.object({
  jobs: z.array(
    z.object({
      error: z.number(),
      read: z.object({ iops: z.number() }),
      write: z.object({
        clat_ns: z.object({ percentile: z.record(z.string(), z.number()).optional(), max: z.number() }),
      }),
    }),
  ),
});
type FioReport = z.infer<typeof reportSchema>['jobs'][number];

const OUTPUT_BYTES = 16 * 1024 * 1024;

/** Out of the page cache, on stable storage first: without root's right to drop all of it. */
export async function dropFromCache(file: string): Promise<void> {
  await run('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0']);
}

interface Job {
  readonly target: Target;
  readonly readWrite: 'randread' | 'randwrite' | 'write';
  readonly depth: number;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Bytes. */
  readonly blockBytes: number;
  /** 0: until all of it was done once. */
  readonly seconds: number;
}

export async function fioJob(job: Job): Promise<FioReport> {
  const { target } = job;
  const where =
    'uri' in target
      ? ['--ioengine=nbd', `--uri=${target.uri}`]
      : [`--filename=${target.file}`, `--ioengine=${job.depth === 1 ? 'psync' : 'io_uring'}`];
  const { stdout } = await run(
    'fio',
    [
      '--name=cold',
      '--output-format=json',
      ...where,
      `--rw=${job.readWrite}`,
      `--bs=${String(job.blockBytes)}`,
      `--iodepth=${String(job.depth)}`,
      `--offset=${String(job.offset)}`,
      `--size=${String(job.sizeBytes)}`,
      '--norandommap',
      '--randrepeat=0',
      '--invalidate=0',
      '--percentile_list=50:99:99.9',
      ...(job.seconds === 0 ? ['--end_fsync=1'] : ['--time_based', `--runtime=${String(job.seconds)}`]),
    ],
    { maxBuffer: OUTPUT_BYTES },
  );
  const { jobs } = reportSchema.parse(JSON.parse(stdout.slice(stdout.indexOf('{'))));
  const [only] = jobs;
  if (only === undefined || only.error !== 0) throw new Error(`fio failed with error ${String(only?.error)}`);
  return only;
}
