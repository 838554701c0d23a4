import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Level } from 'level';
import t, { type Test } from 'tap';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { record } from './records.ts';

const RECORDS_BEFORE_THE_KILL = 30;

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-meta-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return join(folder, 'meta');
}

t.test('what was put is listed by the next process, volume by volume', async (t) => {
  const folder = folderFor(t);
  const first = await HostMeta.open(folder);
  await first.put(record('v', 1));
  await first.put(record('w', 5));
  await first.put(record('v', 2));
  await first.putAddress('b', { host: '127.0.0.12', port: 7 });
  await first.close();
  const next = await HostMeta.open(folder);
  t.teardown(() => next.close());
  const maps = new Map();
  t.strictSame(await next.list(), [
    { ...record('v', 2), maps },
    { ...record('w', 5), maps },
  ]);
  t.strictSame([...(await next.addresses())], [['b', { host: '127.0.0.12', port: 7 }]]);
  await next.delete('v');
  t.strictSame(await next.list(), [{ ...record('w', 5), maps }]);
});

t.test('writes of one record that are not waited for come out in their order', async (t) => {
  const meta = await HostMeta.open(folderFor(t));
  t.teardown(() => meta.close());
  const puts = Array.from({ length: 40 }, (_, generation) => meta.put(record('v', generation)));
  await Promise.all(puts);
  t.match(await meta.list(), [{ durable: { view: { generation: 39 } } }]);
});

t.test('a folder that a daemon has open is not opened by another', async (t) => {
  const folder = folderFor(t);
  const meta = await HostMeta.open(folder);
  t.teardown(() => meta.close());
  await t.rejects(HostMeta.open(folder), {
    code: 'FAILED_PRECONDITION',
    reason: 'STATE_FOLDER_IN_USE',
    violations: [{ field: 'host.state_dir', value: folder }],
  });
});

t.test('nobody but the owner can look into the folder', async (t) => {
  const folder = folderFor(t);
  const meta = await HostMeta.open(folder);
  t.teardown(() => meta.close());
  t.equal(statSync(folder).mode & 0o777, 0o700);
});

t.test('what a put has answered survives the kill of its process, state and map as one', async (t) => {
  const folder = folderFor(t);
  const child = spawn(process.execPath, [fileURLToPath(new URL('writer.ts', import.meta.url)), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let last = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (last === RECORDS_BEFORE_THE_KILL) child.kill('SIGKILL');
  }
  await exited;
  t.ok(last >= RECORDS_BEFORE_THE_KILL);
  const meta = await HostMeta.open(folder);
  t.teardown(() => meta.close());
  const [found] = await meta.list();
  const generation = found?.durable.view.generation ?? 0;
  // The one after the last may have become durable without being answered.
  t.ok(generation === last || generation === last + 1, `${generation} after ${last} was answered`);
  t.match(found?.maps.get('b'), [{ at: generation }], 'the map is that of the state');
  t.equal(found?.maps.get('b')?.length, 1);
});

t.test('a record of a build without dirty maps is filled in', async (t) => {
  const folder = folderFor(t);
  const before = (volume: string, complete: boolean): object => {
    const { consistentAt, mixed, copyFrom, tracked, ...old } = record(volume, 7, { complete }).durable;
    return { volume, sizeBytes: 65_536, durable: old };
  };
  const db = new Level<string, unknown>(folder, { valueEncoding: 'json' });
  await db.put('replica/in-sync', before('in-sync', true));
  await db.put('replica/left-out', before('left-out', false));
  await db.close();
  const meta = await HostMeta.open(folder);
  t.teardown(() => meta.close());
  const maps = new Map();
  t.strictSame(await meta.list(), [
    { ...record('in-sync', 7, { complete: true, consistentAt: 7 }), maps },
    { ...record('left-out', 7, { consistentAt: 0 }), maps },
  ]);
});
