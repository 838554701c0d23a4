/**
 * fio with its nbd engine, which is libnbd: random requests of 512 B to 128 KiB, every block with its own checksum in
 * it, and read back. NBD_CLIENTS_SECONDS has it go on for longer.
 */
import t from 'tap';
import { attempt, output } from '../support/client-command.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const SECONDS = Number(process.env['NBD_CLIENTS_SECONDS'] ?? '3');
// One that ran out of time would go on writing beneath the next one.
t.setTimeout((120 + SECONDS) * 1000);
const JOBS = 4;
const JOB_BYTES = 16 * MIB;
const server = await VolumeServer.start(t, JOBS * JOB_BYTES);

interface Job {
  readonly error: number;
  readonly read: { readonly io_bytes: number };
  readonly write: { readonly io_bytes: number };
  readonly trim: { readonly io_bytes: number };
}

/** Each job has a part of the volume to itself: of one that others write, nobody could say what it has to hold. */
const jobArguments = (uri: string): string[] => [
  '--name=verify',
  '--ioengine=nbd',
  `--uri=${uri}`,
  '--bsrange=512-128k',
  '--blockalign=512',
  '--iodepth=16',
  `--numjobs=${JOBS}`,
  '--thread',
  `--size=${JOB_BYTES}`,
  `--offset_increment=${JOB_BYTES}`,
  '--verify=crc32c',
  '--verify_fatal=1',
  '--verify_state_save=0',
  '--output-format=json',
];

const jobsOf = (stdout: string): readonly Job[] =>
  (JSON.parse(stdout.slice(stdout.indexOf('{'))) as { jobs: Job[] }).jobs;

for (const [transport, served] of Object.entries(server.transports))
  t.test(`${JOBS} jobs over ${transport} read back what they wrote`, async (t) => {
    const endMs = performance.now() + (SECONDS / 2) * 1000;
    let rounds = 0;
    do {
      const random = `--randseed=${++rounds}`;
      const jobs = jobsOf(
        await output('fio', ...jobArguments(served.uri), '--rw=randwrite', '--fsync=64', random),
      );
      t.equal(jobs.length, JOBS);
      for (const { error, read, write } of jobs) {
        t.equal(error, 0);
        t.ok(write.io_bytes >= JOB_BYTES * 0.9, `it wrote ${write.io_bytes} bytes`);
        t.equal(read.io_bytes, write.io_bytes, 'it read all of it back');
      }
    } while (performance.now() < endMs);
  });

t.test('a write behind the trim of its block stays, and the trim takes no other with it', async (t) => {
  // One at a time: fio itself would send the write of a block beside its trim, and then misses what it wrote.
  const args = [...jobArguments(server.overUnix.uri), '--rw=randtrimwrite', '--iodepth=1'];
  for (const { error, read, write, trim } of jobsOf(await output('fio', ...args))) {
    t.equal(error, 0);
    t.ok(trim.io_bytes >= JOB_BYTES * 0.9, `it trimmed ${trim.io_bytes} bytes`);
    t.equal(read.io_bytes, write.io_bytes, 'it read all of it back');
  }
});

t.test('bytes that somebody changed are noticed: the checks above can fail', async (t) => {
  const { uri } = server.overUnix;
  await output('fio', ...jobArguments(uri), '--rw=write', '--bs=64k', '--do_verify=0');
  await output('qemu-io', '-f', 'raw', '-c', 'write -P 0x11 5M 512', uri);
  const again = await attempt('fio', ...jobArguments(uri), '--rw=read', '--bs=64k');
  t.not(again.status, 0);
  t.match(again.stderr + again.stdout, /verify failed|bad/);
});
