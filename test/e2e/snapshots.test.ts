/** `lockstep volume snapshot|clone|revert|diff` on a replicated volume, as people use them: real daemons, real clients. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { BareVolume, PRIMARY, SECONDARY, VOLUME } from '../../bench/lib/bare-volume.ts';
import { NbdWriter } from '../../bench/lib/nbd-writer.ts';

const NETWORK = 83;
const REGION = 65_536;
const SIZE = 256 * REGION;
const CLI = new URL('../../client/cli/main.ts', import.meta.url).pathname;
const run = promisify(execFile);

t.setTimeout(180_000);
const folder = mkdtempSync(join(tmpdir(), 'lockstep-snapshots-'));
const volume = await BareVolume.start({ network: NETWORK, sizeBytes: SIZE });
t.teardown(async () => {
  await volume.destroy();
  rmSync(folder, { recursive: true, force: true });
});
await volume.inSync(60_000);

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function lockstep(...args: readonly string[]): Promise<Outcome> {
  const all = [CLI, '--server', volume.installation.plan.server, ...args];
  try {
    const { stdout, stderr } = await run(process.execPath, all);
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

async function json(...args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await lockstep('-o', 'json', ...args);
  if (code !== 0) throw new Error(err);
  return JSON.parse(out);
}

async function write(offset: number, data: Buffer, name = VOLUME): Promise<void> {
  const writer = await NbdWriter.open(volume.socketPath, name);
  await writer.write(offset, data);
  await writer.flush();
  await writer.close();
}

const uri = (name: string): string => `nbd+unix:///${name}?socket=${volume.socketPath}`;

async function copyOf(name: string): Promise<Buffer> {
  const file = join(folder, 'copy');
  writeFileSync(file, '');
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', uri(name), file]);
  return readFileSync(file);
}

async function refused(t: Test, args: readonly string[], wanted: RegExp): Promise<void> {
  const { code, err } = await lockstep('volume', ...args);
  t.not(code, 0, args.join(' '));
  t.match(err, wanted, args.join(' '));
}

const first = randomBytes(4 * REGION);

t.test('a snapshot is taken, listed with its size, and read over NBD', async (t) => {
  await write(0, first);
  const taken = await lockstep('volume', 'snapshot', 'create', VOLUME, 'monday');
  t.match(taken.out, `${VOLUME}@monday on ${PRIMARY}`);
  await write(0, randomBytes(REGION));
  await lockstep('volume', 'snapshot', 'create', 'bench', 'tuesday');
  const onSecondary = await json('volume', 'snapshot', 'create', VOLUME, 'other', '--host', SECONDARY);
  t.match(onSecondary, { host: SECONDARY, quiesced: false });
  const list = await json('volume', 'snapshot', 'list', VOLUME);
  t.match(list, {
    snapshots: [
      { id: `${VOLUME}@monday`, host: PRIMARY, parent: null, volumes: [] },
      { id: `${VOLUME}@tuesday`, host: PRIMARY, parent: `${VOLUME}@monday`, volumes: [VOLUME] },
      { id: `${VOLUME}@other`, host: SECONDARY },
    ],
    unreachable: [],
  });
  t.match((await lockstep('volume', 'snapshot', 'list', VOLUME)).out, /monday\s+host-a\s+20.*KiB/);
  const shown = await copyOf(`${VOLUME}@monday`);
  t.ok(shown.subarray(0, first.length).equals(first));
});

t.test('what changed is told as extents, and is all that a backup needs', async (t) => {
  await write(9 * REGION, randomBytes(2 * REGION));
  const since = await json('volume', 'diff', `${VOLUME}@monday`);
  t.match(since, {
    bytes: 3 * REGION,
    extents: [
      { offset: 0, length: REGION },
      { offset: 9 * REGION, length: 2 * REGION },
    ],
  });
  const between = await lockstep('volume', 'diff', `${VOLUME}@monday`, `${VOLUME}@tuesday`);
  t.match(between.out, '64 KiB in 1 extent');
  const { stdout } = await run('nbdinfo', ['--map=lockstep:diff/monday', uri(`${VOLUME}@tuesday`)]);
  const map = stdout.split('\n').map((line) => line.trim().split(/\s+/).slice(0, 3).join(' '));
  t.match(map, [`0 ${String(REGION)} 1`, `${String(REGION)} ${String(SIZE - REGION)} 0`]);
});

t.test('a clone is a volume of its own, and goes as one', async (t) => {
  const made = (await json('volume', 'clone', `${VOLUME}@monday`, 'rehearsal')) as { volume: string };
  t.match(made, { id: 'rehearsal', host: PRIMARY });
  const own = randomBytes(REGION);
  await write(REGION, own, made.volume);
  const bytes = await copyOf(made.volume);
  t.ok(bytes.subarray(0, REGION).equals(first.subarray(0, REGION)));
  t.ok(bytes.subarray(REGION, 2 * REGION).equals(own));
  t.match((await lockstep('volume', 'status', 'rehearsal')).out, made.volume);
  await refused(t, ['clone', `${VOLUME}@monday`, 'rehearsal'], /clone_id|rehearsal/);
  const list = (await lockstep('volume', 'snapshot', 'list', VOLUME)).out;
  t.match(list, new RegExp(`monday .*${made.volume}`));
  t.equal((await lockstep('database', 'delete', 'rehearsal', '--yes')).code, 0);
});

t.test('a revert makes both replicas what the snapshot is', async (t) => {
  await refused(t, ['revert', `${VOLUME}@monday`], /--yes/);
  const client = await NbdWriter.open(volume.socketPath, VOLUME);
  await refused(t, ['revert', `${VOLUME}@monday`, '--yes'], /1 NBD client/);
  await client.close();
  const done = await lockstep('volume', 'revert', `${VOLUME}@monday`, '--yes');
  t.equal(done.code, 0, done.err);
  const [before, after] = [await copyOf(`${VOLUME}@monday`), await copyOf(VOLUME)];
  t.ok(after.equals(before));
  await lockstep('volume', 'snapshot', 'create', VOLUME, 'reverted', '--host', SECONDARY);
  const socketPath = join(volume.installation.host(SECONDARY).stateDir, 'sockets', 'nbd.sock');
  const file = join(folder, 'secondary');
  const from = `nbd+unix:///${VOLUME}@reverted?socket=${socketPath}`;
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', from, file]);
  t.ok(readFileSync(file).equals(before), 'on the secondary too');
});

t.test('what cannot be is refused with a reason', async (t) => {
  await refused(t, ['snapshot', 'create', 'nothing', 'x'], /there is no volume nothing/);
  await refused(t, ['snapshot', 'create', VOLUME, 'a/b'], /snapshot is "a\/b"/);
  await refused(t, ['snapshot', 'create', VOLUME, 'monday'], /exists/);
  await refused(t, ['snapshot', 'create', VOLUME, 'x', '--host', 'host-z'], /host-a, host-b/);
  await refused(t, ['snapshot', 'delete', VOLUME, 'friday'], /no snapshot friday/);
  await refused(t, ['clone', VOLUME, 'y'], /VOLUME@SNAPSHOT/);
  await refused(t, ['clone', `${VOLUME}@monday`, 'A/B'], /clone_id|database_id/);
  await refused(t, ['diff', `${VOLUME}@monday`, `${VOLUME}@friday`], /friday/);
  await refused(t, ['revert', `${VOLUME}@other`, '--yes'], /host-b.*fail over/);
  await lockstep('volume', 'snapshot', 'create', VOLUME, 'monday', '--host', SECONDARY);
  await refused(t, ['snapshot', 'delete', VOLUME, 'monday'], /each have a snapshot monday/);
  const reader = await NbdWriter.open(volume.socketPath, `${VOLUME}@monday`);
  await refused(t, ['snapshot', 'delete', VOLUME, 'monday', '--host', PRIMARY], /1 NBD client/);
  await reader.close();
  t.equal((await lockstep('volume', 'snapshot', 'delete', VOLUME, 'monday', '--host', PRIMARY)).code, 0);
});

t.test('a host that is away is named, and what it keeps is not taken for gone', async (t) => {
  await volume.installation.killHost(SECONDARY);
  const list = await json('volume', 'snapshot', 'list', VOLUME);
  t.match(list, { unreachable: [SECONDARY] });
  await refused(t, ['snapshot', 'delete', VOLUME, 'other'], /host-b cannot be/);
  await refused(t, ['snapshot', 'create', VOLUME, 'x', '--host', SECONDARY], /host-b/);
});
