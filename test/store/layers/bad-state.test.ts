/** A store whose files or records are not what they should be: what is refused, and what is left alone. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { HostMeta } from '../../../daemon/meta/host-meta.ts';
import { REGION_BYTES } from '../../../daemon/replication/units.ts';
import type { CatalogueChange } from '../../../daemon/store/layers/catalogue.ts';
import { messageOf } from '../../../daemon/sys/errors.ts';
import { type OpenStore, openStore } from '../../support/layered-disk.ts';
import { quietLog } from '../../support/quiet-log.ts';

const SIZE_BYTES = 8 * REGION_BYTES;
const GOOD = Buffer.from('what the other volume has');

/** `v` on three layers, of which a snapshot names the lower ones, and `w` beside it. Closed. */
async function stateFor(t: Test): Promise<OpenStore> {
  const opened = await openStore(t);
  const disk = await opened.create('v', SIZE_BYTES);
  for (const [at, name] of ['first', 'second', ''].entries()) {
    disk.write(at * REGION_BYTES, Buffer.alloc(2 * REGION_BYTES, at + 1));
    if (name !== '') await opened.store.snapshot('v', name, { quiesced: false, purpose: 'kept' });
  }
  (await opened.create('w', SIZE_BYTES)).write(0, GOOD);
  t.strictSame(opened.layers(), ['v.1.data', 'v.2.data', 'v.2.map', 'v.3.data', 'v.3.map', 'w.4.data']);
  await opened.close();
  return opened;
}

const pathOf = ({ folder }: OpenStore, name: string): string => join(folder, 'layers', name);

/** Of each layer's file: nothing may have been changed where something was refused. */
function filesOf({ folder }: OpenStore): Record<string, string> {
  const layers = join(folder, 'layers');
  return Object.fromEntries(
    readdirSync(layers)
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(layers, name)))
          .digest('hex'),
      ]),
  );
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

/** Opens the store of which something was damaged: `v` is refused, `w` serves on, and no file is another. */
async function refuses(t: Test, state: OpenStore, why: RegExp): Promise<OpenStore> {
  const before = filesOf(state);
  const logged: unknown[] = [];
  const log = { ...quietLog, error: (facts: object) => logged.push(facts) };
  const next = await state.again({ log });
  t.throws(() => next.store.volume('v'), { code: 'INTERNAL', reason: 'LAYER_UNUSABLE', message: why });
  t.match(logged, [{ error: why }], 'it is told once, when it is found');
  t.ok(next.disk('w').read({ offset: 0, length: GOOD.length }).equals(GOOD), 'the other volume serves');
  next.disk('w').write(REGION_BYTES, GOOD);
  await next.store.snapshot('w', 's', { quiesced: false, purpose: 'kept' });
  await next.store.deleteSnapshot('w', 's');
  await next.settle();
  t.match(filesOf(next), Object.fromEntries(Object.entries(before).filter(([name]) => name.startsWith('v'))));
  return next;
}

t.test('a map with a damaged header', async (t) => {
  const state = await stateFor(t);
  overwrite(pathOf(state, 'v.3.map'), 100, Buffer.from([1]));
  await refuses(t, state, /v\.3\.map .*header does not fit its checksum/);
});

t.test('the map of another layer', async (t) => {
  const state = await stateFor(t);
  writeFileSync(pathOf(state, 'v.3.map'), readFileSync(pathOf(state, 'v.2.map')));
  await refuses(t, state, /v\.3\.map .*it is of layer v\.2/);
});

t.test('a map that is missing', async (t) => {
  const state = await stateFor(t);
  rmSync(pathOf(state, 'v.2.map'));
  const next = await refuses(t, state, /v\.2\.map/);
  t.throws(() => next.store.openSnapshot('v', 'second'), { code: 'INTERNAL', reason: 'LAYER_UNUSABLE' });
  const first = next.store.openSnapshot('v', 'first');
  t.equal(first.read({ offset: REGION_BYTES, length: 1 })[0], 1, 'what stands below the damage can be read');
  first.close();
});

t.test('an open map of which a sector was damaged', async (t) => {
  const state = await stateFor(t);
  overwrite(pathOf(state, 'v.3.map'), 4096 + 100, Buffer.from([1]));
  await refuses(t, state, /v\.3\.map .*sector 0 does not fit/);
});

t.test(
  'a sealed map of which a sector was damaged fails what needs it, and the others serve on',
  async (t) => {
    const state = await stateFor(t);
    overwrite(pathOf(state, 'v.2.map'), 4096 + 100, Buffer.from([1]));
    const next = await state.again();
    const damaged = { reason: 'LAYER_MAP_DAMAGED', message: /v\.2\.map .*sector 0 does not fit/ };
    t.throws(() => next.disk('v').read({ offset: 0, length: 512 }), damaged);
    t.throws(() => next.disk('v').write(0, Buffer.alloc(512)), damaged);
    t.ok(next.disk('w').read({ offset: 0, length: GOOD.length }).equals(GOOD));
  },
);

t.test('a layer that is too short, at the bottom and at the top', async (t) => {
  for (const layer of ['v.1', 'v.2', 'v.3']) {
    const state = await stateFor(t);
    truncateSync(pathOf(state, `${layer}.data`), SIZE_BYTES - 1);
    await refuses(t, state, /has 524287 of its 524288 bytes/);
  }
});

t.test('a layer that is missing', async (t) => {
  for (const layer of ['v.1', 'v.2', 'v.3']) {
    const state = await stateFor(t);
    rmSync(pathOf(state, `${layer}.data`));
    const next = await refuses(t, state, new RegExp(`layer ${layer.replace('.', '\\.')} cannot be opened`));
    t.notOk(existsSync(pathOf(next, `${layer}.data`)), 'none is made in its place');
  }
});

t.test('a map that ends before its regions', async (t) => {
  for (const bytes of [4096, 4096 + 512]) {
    const state = await stateFor(t);
    truncateSync(pathOf(state, 'v.3.map'), bytes);
    await refuses(t, state, /v\.3\.map/);
  }
});

t.test('a layer without a record of its parent', async (t) => {
  const state = await stateFor(t);
  await changeRecords(state, [{ type: 'no-layer', id: 'v.1' }]);
  await state.close();
  const next = await state.again();
  t.throws(() => next.store.volume('v'), { code: 'INTERNAL', reason: 'LAYER_UNUSABLE' });
  t.ok(next.disk('w').read({ offset: 0, length: GOOD.length }).equals(GOOD));
});

t.test('a volume that cannot be used can be deleted, and its layers go', async (t) => {
  const state = await stateFor(t);
  rmSync(pathOf(state, 'v.1.data'));
  const next = await refuses(t, state, /v\.1/);
  await next.store.deleteVolume('v');
  t.strictSame(
    next.layers().filter((name) => name.startsWith('v')),
    [],
  );
});

async function changeRecords({ folder }: OpenStore, changes: readonly CatalogueChange[]): Promise<void> {
  const meta = await HostMeta.open(join(folder, 'meta'));
  await meta.catalogue.commit(changes);
  await meta.close();
}

t.test('records of a later version are refused with both numbers, and nothing is changed', async (t) => {
  const state = await stateFor(t);
  await changeRecords(state, [{ type: 'format', record: { version: 2, regionBytes: REGION_BYTES } }]);
  const before = filesOf(state);
  await t.rejects(state.again(), {
    code: 'FAILED_PRECONDITION',
    reason: 'STORE_FORMAT_UNKNOWN',
    message: /version 2 .* this build knows version 1/,
  });
  t.strictSame(filesOf(state), before);
});

t.test('records of regions of another size are refused, and nothing is changed', async (t) => {
  const state = await stateFor(t);
  await changeRecords(state, [{ type: 'format', record: { version: 1, regionBytes: 4096 } }]);
  const before = filesOf(state);
  await t.rejects(state.again(), { reason: 'STORE_FORMAT_UNKNOWN', message: /4096 bytes.*65536/ });
  t.strictSame(filesOf(state), before);
});

t.test('layers without any records are not taken for leftovers', async (t) => {
  const state = await stateFor(t);
  rmSync(join(state.folder, 'meta'), { recursive: true });
  const before = filesOf(state);
  const refused = { reason: 'STORE_FORMAT_UNKNOWN', message: /no record of them/ };
  await t.rejects(state.again(), refused);
  t.strictSame(filesOf(state), before);
});

t.test('what a crash left of a layer is removed, and what is no layer stays', async (t) => {
  const state = await stateFor(t);
  for (const name of ['v.9.data', 'v.9.map', 'x.10.sums']) writeFileSync(pathOf(state, name), 'left over');
  for (const name of ['notes.txt', 'v.data', 'lost+found']) writeFileSync(pathOf(state, name), 'of somebody');
  const next = await state.again();
  const strange = next.layers().filter((name) => !/^[vw]\.[1-4]\.(?:data|map|sums)$/.test(name));
  t.strictSame(strange, ['lost+found', 'notes.txt', 'v.data']);
});

t.test('a folder in place of a layer is refused, not removed', async (t) => {
  const state = await stateFor(t);
  rmSync(pathOf(state, 'v.3.data'));
  mkdirSync(pathOf(state, 'v.3.data'));
  const next = await state.again();
  t.throws(() => next.store.volume('v'), { reason: 'LAYER_UNUSABLE', message: /EISDIR/ });
  t.ok(statSync(pathOf(next, 'v.3.data')).isDirectory());
});

t.test('a second daemon on the folder is refused, and the first serves on', async (t) => {
  const first = await openStore(t);
  const disk = await first.create('v', SIZE_BYTES);
  disk.write(0, GOOD);
  await t.rejects(HostMeta.open(join(first.folder, 'meta')), {
    code: 'FAILED_PRECONDITION',
    reason: 'STATE_FOLDER_IN_USE',
  });
  t.ok(disk.read({ offset: 0, length: GOOD.length }).equals(GOOD));
  await first.store.snapshot('v', 's', { quiesced: false, purpose: 'kept' });
});

t.test('a folder that cannot be made is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-store-'));
  writeFileSync(join(folder, 'layers'), 'a file');
  const error = await openStore(t, { folder }).then(() => undefined, messageOf);
  t.match(error, /EEXIST.*layers/);
});
