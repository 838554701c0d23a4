import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Level } from 'level';
import t, { type Test } from 'tap';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { ControlStore } from '../../../control/store/store.ts';

async function folderFor(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-level-store-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function storeFor(t: Test): Promise<ControlStore> {
  const store = await openLevelStore(await folderFor(t));
  t.teardown(() => store.close());
  return store;
}

t.test('a record that was written is read back with the revision of its transaction', async (t) => {
  const store = await storeFor(t);
  const first = await store.transact([], [{ key: 'hosts/a', value: { zone: 'a' } }]);
  await store.transact([], [{ key: 'hosts/b', value: { zone: 'b' } }]);
  t.strictSame(first, { ok: true, revision: 1 });
  t.strictSame(await store.get('hosts/a'), { key: 'hosts/a', value: { zone: 'a' }, revision: 1 });
  t.strictSame(await store.get('hosts/b'), { key: 'hosts/b', value: { zone: 'b' }, revision: 2 });
  t.equal(await store.get('hosts/c'), undefined);
});

t.test('nobody but its owner can look into the folder: it has passwords', async (t) => {
  const folder = join(await folderFor(t), 'control');
  const store = await openLevelStore(folder);
  t.teardown(() => store.close());
  t.equal((await stat(folder)).mode & 0o777, 0o700);
});

t.test('a condition that fails writes nothing and names its key', async (t) => {
  const store = await storeFor(t);
  await store.transact([], [{ key: 'a', value: 1 }]);
  const mutations = [{ key: 'b', value: 2 }];
  t.strictSame(await store.transact([{ key: 'a', absent: true }], mutations), { ok: false, conflict: 'a' });
  t.strictSame(await store.transact([{ key: 'a', revision: 7 }], mutations), { ok: false, conflict: 'a' });
  t.strictSame(await store.transact([{ key: 'c', revision: 1 }], mutations), { ok: false, conflict: 'c' });
  t.equal(await store.get('b'), undefined);
});

t.test('of two transactions that build on one revision, one loses', async (t) => {
  const store = await storeFor(t);
  await store.transact([], [{ key: 'counter', value: 0 }]);
  const seen = await store.get<number>('counter');
  const raise = () =>
    store.transact(
      [{ key: 'counter', revision: seen?.revision ?? 0 }],
      [{ key: 'counter', value: (seen?.value ?? 0) + 1 }],
    );
  const results = await Promise.all([raise(), raise()]);
  t.strictSame(
    results.map((result) => result.ok),
    [true, false],
  );
});

t.test('a key that was deleted and written anew does not get an old revision back', async (t) => {
  const folder = await folderFor(t);
  let store = await openLevelStore(folder);
  await store.transact([], [{ key: 'a', value: 1 }]);
  await store.transact([], [{ key: 'a', deleted: true }]);
  await store.close();
  store = await openLevelStore(folder);
  t.teardown(() => store.close());
  t.strictSame(await store.transact([{ key: 'a', absent: true }], [{ key: 'a', value: 1 }]), {
    ok: true,
    revision: 3,
  });
});

t.test('pages go on behind the last key, in both directions', async (t) => {
  const store = await storeFor(t);
  const written = ['e/1', 'e/2', 'e/3', 'e0', 'd/9'];
  await store.transact(
    [],
    written.map((key) => ({ key, value: null })),
  );
  const keysOf = async (options: Parameters<ControlStore['list']>[1]) =>
    (await store.list('e/', options)).map(({ key }) => key);
  t.strictSame(await keysOf({}), ['e/1', 'e/2', 'e/3']);
  t.strictSame(await keysOf({ limit: 2 }), ['e/1', 'e/2']);
  t.strictSame(await keysOf({ after: 'e/2' }), ['e/3']);
  t.strictSame(await keysOf({ reverse: true, limit: 1 }), ['e/3']);
  t.strictSame(await keysOf({ reverse: true, after: 'e/3' }), ['e/2', 'e/1']);
  t.strictSame(await keysOf({ reverse: true, after: 'd/9' }), []);
});

t.test('a watcher hears of the keys below its prefix, in order, until it stops', async (t) => {
  const store = await storeFor(t);
  const heard: string[] = [];
  const stop = store.watch('volumes/', (key) => heard.push(key));
  await store.transact(
    [],
    [
      { key: 'volumes/b', value: 1 },
      { key: 'hosts/a', value: 1 },
      { key: 'volumes/a', value: 1 },
    ],
  );
  await store.transact([], [{ key: 'volumes/b', deleted: true }]);
  await store.transact([{ key: 'volumes/a', absent: true }], [{ key: 'volumes/a', value: 2 }]);
  stop();
  await store.transact([], [{ key: 'volumes/c', value: 1 }]);
  t.strictSame(heard, ['volumes/b', 'volumes/a', 'volumes/b']);
});

t.test('what the caller does to its object after the call is not written', async (t) => {
  const store = await storeFor(t);
  const value = { zone: 'a' };
  const written = store.transact([], [{ key: 'a', value }]);
  value.zone = 'changed';
  await written;
  t.strictSame((await store.get('a'))?.value, { zone: 'a' });
});

t.test('a key that a client made up of other characters is refused, not mangled', async (t) => {
  const store = await storeFor(t);
  for (const key of ['requests/\u{1f4a5}', 'requests/a b', '', `requests/${'x'.repeat(600)}`])
    await t.rejects(store.get(key), { code: 'INVALID_ARGUMENT' });
});

t.test('a folder that is open elsewhere is refused by name', async (t) => {
  const folder = await folderFor(t);
  const store = await openLevelStore(folder);
  t.teardown(() => store.close());
  await t.rejects(openLevelStore(folder), {
    code: 'FAILED_PRECONDITION',
    reason: 'STATE_FOLDER_IN_USE',
    message: `the state folder ${folder} is owned by a running daemon`,
  });
});

t.test('a folder that cannot be made is refused with the cause', async (t) => {
  const folder = await folderFor(t);
  await writeFile(join(folder, 'file'), '');
  await t.rejects(openLevelStore(join(folder, 'file', 'state')), {
    code: 'FAILED_PRECONDITION',
    reason: 'STATE_FOLDER_UNUSABLE',
    message: /ENOTDIR/,
  });
});

t.test("another program's level database is left alone", async (t) => {
  const folder = await folderFor(t);
  const foreign = new Level(folder);
  await foreign.put('something', 'else');
  await foreign.close();
  await t.rejects(openLevelStore(folder), { code: 'FAILED_PRECONDITION', reason: 'STATE_FOLDER_FORMAT' });
});

t.test('a store that is closed says so', async (t) => {
  const store = await openLevelStore(await folderFor(t));
  const last = store.transact([], [{ key: 'a', value: 1 }]);
  await store.close();
  t.strictSame(await last, { ok: true, revision: 1 });
  await t.rejects(store.get('a'), { code: 'UNAVAILABLE', reason: 'CONTROL_STORE_CLOSED' });
  await t.rejects(store.transact([], []), { code: 'UNAVAILABLE', reason: 'CONTROL_STORE_CLOSED' });
});

t.test('every transaction that was acknowledged before a SIGKILL is there after it', async (t) => {
  const folder = join(await folderFor(t), 'state');
  await mkdir(folder);
  const writer = fileURLToPath(new URL('./writer.ts', import.meta.url));
  let acknowledged = 0;
  for (const linesBeforeKill of [1, 23, 60]) {
    const child = spawn(process.execPath, [writer, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (++lines >= linesBeforeKill) child.kill('SIGKILL');
    }
    await exited;
    const store = await openLevelStore(folder);
    const entries = await store.list<number>('entries/', {});
    const counter = await store.get<number>('counter');
    await store.close();
    t.ok((counter?.value ?? 0) >= acknowledged, `${acknowledged} acknowledged, ${counter?.value ?? 0} there`);
    t.strictSame(
      entries.map(({ value }) => value),
      Array.from({ length: counter?.value ?? 0 }, (_, index) => index + 1),
      'each transaction is there with both of its keys, or not at all',
    );
  }
});
