/** A state folder of the build before there were layers (test/fixtures/store-v1), opened by this one. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { HostMeta } from '../../daemon/meta/host-meta.ts';
import { systemFiles } from '../../daemon/store/files.ts';
import type { Volumes } from '../../daemon/volume/volumes.ts';
import { openStore } from '../support/layered-disk.ts';
import { openVolumes } from '../support/open-volumes.ts';

const fixture = join(import.meta.dirname, '../fixtures/store-v1');

interface Expected {
  readonly volume: string;
  readonly sizeBytes: number;
  readonly durable: object;
  readonly sha256: string;
}

const expected = JSON.parse(readFileSync(join(fixture, 'expected.json'), 'utf8')) as readonly Expected[];
const digests = Object.fromEntries(expected.map(({ volume, sha256 }) => [volume, sha256]));

/** Removed by who opens it. */
function oldState(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-upgrade-'));
  execFileSync('/usr/bin/tar', ['-xzf', join(fixture, 'state.tar.gz'), '-C', folder]);
  return folder;
}

async function recordsOf(meta: HostMeta): Promise<unknown> {
  const kept = await meta.list();
  return kept.map(({ maps, ...record }) => ({
    ...record,
    maps: Object.fromEntries(
      [...maps].map(([host, chunks]) => [
        host,
        chunks.map(({ at, bits }) => ({ at, bits: Buffer.from(bits).toString('base64') })),
      ]),
    ),
  }));
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const digestsOf = (volumes: Volumes): Record<string, string> =>
  Object.fromEntries(
    volumes
      .all()
      .map(
        ({ name, file, sizeBytes }) => [name, digest(file.read({ offset: 0, length: sizeBytes }))] as const,
      )
      .sort(),
  );

t.test('each volume has its bytes and its record, and stands on a layer', async (t) => {
  const folder = oldState();
  const opened = await openVolumes(t, {}, folder);
  t.strictSame(digestsOf(opened.volumes), digests);
  t.strictSame(
    await recordsOf(opened.meta),
    // What a record of that build lacks belongs to scrubs, of which there were none.
    expected.map(({ sha256: _sha256, ...record }) => ({
      ...record,
      durable: { ...record.durable, pulledFrom: '', scrubbedTo: 0 },
    })),
  );
  t.strictSame(readdirSync(join(folder, 'layers')).sort(), ['empty.1.data', 'mixed.2.data', 'v.3.data']);
  for (const { volume } of expected) t.notOk(existsSync(join(folder, 'volumes', volume, 'data')), volume);
  t.equal(opened.volumes.require('v').view.generation, 1);
  t.match(await opened.meta.addresses(), new Map([['b', { port: 7401 }]]));
  const { volumes } = await opened.again();
  t.strictSame(digestsOf(volumes), digests, 'the next process finds the same');
});

t.test('holes stay holes', async (t) => {
  const { volumes } = await openVolumes(t, {}, oldState());
  const { file } = volumes.require('v');
  t.strictSame(file.allocatedRegions(), [0, 3, 4, 10, 63]);
  t.equal(volumes.require('empty').file.allocatedBytes, 0);
});

t.test('a replica in the middle of a copy finds what it held before', async (t) => {
  const { volumes } = await openVolumes(t, {}, oldState());
  volumes.force('mixed', { generation: 9, primary: 'a', inSync: ['a'] });
  const volume = volumes.require('mixed');
  while (volume.state !== 'SOLO') await new Promise((resolve) => setTimeout(resolve, 5));
  t.strictSame(volume.file.readRegion(2, { from: 'live', digest: false }).data, undefined);
  const before = Buffer.alloc(65_536).map((_, at) => (at >> 6) * 7 + (at >> 12));
  t.ok(volume.file.readRegion(1, { from: 'live', digest: false }).data?.equals(before));
});

t.test('a file that is too short is refused with the reason, also later, and stays', async (t) => {
  const folder = oldState();
  truncateSync(join(folder, 'volumes', 'v', 'data'), 1_000_000);
  const opened = await openVolumes(t, {}, folder);
  const refused = { volume: 'v', generation: 1, why: /has 1000000 of its 4194304 bytes/ };
  t.match(opened.volumes.unopened(), [refused]);
  const { v: _v, ...others } = digests;
  t.strictSame(digestsOf(opened.volumes), others, 'the others serve on');
  const { volumes } = await opened.again();
  t.match(volumes.unopened(), [refused]);
  t.equal(readFileSync(join(folder, 'layers', 'v.3.data')).length, 1_000_000);
});

t.test('an upgrade that ended between the record and the file is gone on with', async (t) => {
  const folder = oldState();
  const data = join(folder, 'volumes', 'v', 'data');
  const rename = (): never => {
    throw new Error('the power is gone');
  };
  const opened = await openStore(t, { folder, files: { ...systemFiles, rename } });
  await t.rejects(opened.store.takeIn('v', 4_194_304, data), /power/);
  t.ok(existsSync(data));
  await opened.close();
  const next = await openVolumes(t, {}, folder);
  t.strictSame(digestsOf(next.volumes), digests);
});

t.test(
  'a file that was taken in, and whose new name was lost with the power, is taken in again',
  async (t) => {
    const folder = oldState();
    const opened = await openVolumes(t, {}, folder);
    await opened.volumes.closeAll();
    renameSync(join(folder, 'layers', 'v.3.data'), join(folder, 'volumes', 'v', 'data'));
    const { volumes } = await opened.again();
    t.strictSame(digestsOf(volumes), digests);
  },
);
