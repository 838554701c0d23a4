/** What the clients that people use make of an export. They write to all of it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { output } from './client-command.ts';

export interface ServedExport {
  /** `nbd://host:port/name` or `nbd+unix:///name?socket=path` */
  readonly uri: string;
  readonly name: string;
  readonly description: string;
  readonly sizeBytes: number;
}

export async function checkNbdinfo(t: Test, served: ServedExport): Promise<void> {
  const { exports } = JSON.parse(await output('nbdinfo', '--json', served.uri)) as { exports: unknown[] };
  t.match(exports, [
    {
      'export-name': served.name,
      description: served.description,
      'export-size': served.sizeBytes,
      is_rotational: false,
      is_read_only: false,
      can_cache: true,
      can_df: true,
      // That depends on the file system.
      can_fast_zero: Boolean,
      contexts: ['base:allocation'],
      can_flush: true,
      can_fua: true,
      can_multi_conn: true,
      can_trim: true,
      can_zero: true,
      block_size_minimum: 1,
      block_size_preferred: 4096,
      block_size_maximum: 33554432,
    },
  ]);
}

export async function checkNbdinfoList(t: Test, served: ServedExport): Promise<void> {
  const list = JSON.parse(await output('nbdinfo', '--list', '--json', served.uri)) as { exports: unknown[] };
  t.match(list, { exports: [{ 'export-name': served.name, 'export-size': served.sizeBytes }] });
}

/** There and back over several connections, with holes: they go as WRITE_ZEROES and TRIM. */
export async function checkNbdcopy(t: Test, served: ServedExport): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nbd-clients-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const image = Buffer.alloc(served.sizeBytes);
  for (let offset = 0; offset + 300_000 < image.length; offset += 1_000_000)
    randomBytes(300_000).copy(image, offset);
  const source = join(folder, 'source');
  const target = join(folder, 'target');
  writeFileSync(source, image);
  await output('nbdcopy', '--flush', '--connections=4', '--requests=16', source, served.uri);
  await output('nbdcopy', '--connections=4', served.uri, target);
  t.ok(readFileSync(target).equals(image), 'what comes back is what was copied there');
}

/** `qemu-io` fails by itself when a pattern is not what it reads. */
export async function checkQemuIo(t: Test, served: ServedExport): Promise<void> {
  const commands = [
    'write -P 0xa5 1M 1M',
    'read -P 0xa5 1M 1M',
    // Not aligned to anything.
    'write -P 0x17 1049089 7',
    'read -P 0x17 1049089 7',
    'read -P 0xa5 1M 513',
    'write -f -P 0x33 2M 4k',
    'flush',
    'read -P 0x33 2M 4k',
    'write -z 1M 256k',
    'read -P 0 1M 256k',
    'write -z -u 1280k 256k',
    'read -P 0 1280k 256k',
    'discard 1536k 256k',
    'read -P 0 1536k 256k',
    'read -P 0xa5 1792k 256k',
    // Several at once.
    'aio_write -P 1 3M 64k',
    'aio_write -P 2 3136k 64k',
    'aio_flush',
    'read -P 1 3M 64k',
    'read -P 2 3136k 64k',
  ];
  const stdout = await output(
    'qemu-io',
    '-f',
    'raw',
    ...commands.flatMap((command) => ['-c', command]),
    served.uri,
  );
  t.notMatch(stdout, /Pattern verification failed|error|failed/i);
  t.match(stdout, /read 65536\/65536 bytes at offset 3211264/);
}

/** Random writes of mixed sizes, 16 at a time, each read back and compared by its checksum. */
export async function checkFio(t: Test, served: ServedExport): Promise<void> {
  const stdout = await output(
    'fio',
    '--name=verify',
    '--ioengine=nbd',
    `--uri=${served.uri}`,
    '--rw=randwrite',
    '--bsrange=4k-64k',
    '--iodepth=16',
    `--size=${String(served.sizeBytes)}`,
    '--verify=crc32c',
    '--verify_fatal=1',
    '--verify_state_save=0',
    '--fsync=32',
    '--output-format=json',
  );
  const { jobs } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    jobs: { error: number; read: { io_bytes: number }; write: { io_bytes: number } }[];
  };
  t.match(jobs, [{ error: 0 }]);
  t.ok((jobs[0]?.write.io_bytes ?? 0) >= served.sizeBytes / 2, 'it wrote');
  t.equal(jobs[0]?.read.io_bytes, jobs[0]?.write.io_bytes, 'it read all of it back');
}
