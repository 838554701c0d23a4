/** `lockstep volume create|import|delete` as people use them, and exports of snapshots: real daemons, real images. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { Installation } from '../../bench/lib/installation.ts';
import { layerFile } from '../../bench/lib/layer-file.ts';
import { output } from '../support/client-command.ts';

const NETWORK = 84;
const MIB = 1024 * 1024;
const BLOCK = 512;
const HOSTS = ['host-a', 'host-b'] as const;
const CLI = new URL('../../client/cli/main.ts', import.meta.url).pathname;
const run = promisify(execFile);

t.setTimeout(120_000);
const folder = mkdtempSync(join(tmpdir(), 'lockstep-import-'));
const installation = await Installation.start({ network: NETWORK });
t.teardown(async () => {
  await installation.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const raw = join(folder, 'disk.raw');
const qcow2 = join(folder, 'Disk 2.qcow2');
// Two pieces of data, the second at the very end; the size is no whole region.
makeSparse(raw, 48 * MIB + BLOCK, [
  { offset: 5 * MIB, bytes: 3 * MIB },
  { offset: 47 * MIB, bytes: MIB + BLOCK },
]);
await output('qemu-img', 'convert', '-c', '-O', 'qcow2', raw, qcow2);

function makeSparse(
  file: string,
  sizeBytes: number,
  pieces: readonly { readonly offset: number; readonly bytes: number }[],
): void {
  const descriptor = openSync(file, 'w');
  for (const { offset, bytes } of pieces) writeSync(descriptor, Buffer.alloc(bytes, 0xa5), 0, bytes, offset);
  closeSync(descriptor);
  truncateSync(file, sizeBytes);
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const words = (args: readonly string[]): string[] => [CLI, '--server', installation.plan.server, ...args];

async function lockstep(...args: readonly string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(process.execPath, words(args));
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

interface Imported {
  readonly volume: {
    readonly id: string;
    readonly primary: string;
    readonly inSync: readonly string[];
    readonly sizeBytes: number;
    readonly replicas: readonly { readonly host: string; readonly nbd: { readonly address: string } }[];
  };
  readonly image: { readonly format: string; readonly dataBytes: number };
  readonly compareMs: number | null;
}

async function imported(...args: readonly string[]): Promise<Imported> {
  const { code, out, err } = await lockstep('-o', 'json', 'volume', 'import', ...args);
  if (code !== 0) throw new Error(err);
  return JSON.parse(out) as Imported;
}

/** Over TCP, as from another machine. */
function uriOf({ volume }: Imported, suffix = ''): string {
  const primary = volume.replicas.find(({ host }) => host === volume.primary);
  return `nbd://${primary?.nbd.address ?? ''}/${volume.id}${suffix}`;
}

async function refused(t: Test, args: readonly string[], wanted: RegExp): Promise<void> {
  const { code, err } = await lockstep('volume', 'import', ...args);
  t.not(code, 0, args.join(' '));
  t.match(err, wanted, args.join(' '));
}

/** The names of all there are. */
async function volumes(): Promise<readonly string[]> {
  return (await installation.client.databases.list()).map(({ name }) => name);
}

const same = (format: string, image: string, uri: string): Promise<string> =>
  output('qemu-img', 'compare', '-f', format, '-F', 'raw', image, uri);

t.test('a volume is created, shown with its address, and deleted', async (t) => {
  const made = await lockstep('volume', 'create', 'scratch', '--size', '16MiB', '--zones', 'b,a');
  t.equal(made.code, 0, made.err);
  t.match(made.out, /\[9\/9\] Publish the alias of scratch: done/);
  t.match(made.out, /IN SYNC: 2 replicas/);
  t.match(made.out, /^NBD {2}nbd:\/\/127\.0\.84\.12:10809\/scratch-[0-9a-f]{8}$/m);
  await installation.inSync('scratch');
  const [connect, asks, odd] = await Promise.all([
    lockstep('connect', 'scratch'),
    lockstep('volume', 'delete', 'scratch'),
    lockstep('volume', 'create', 'odd', '--size', '1KiB'),
  ]);
  t.match(connect.err, /has no engine/);
  t.match(asks.err, /--yes/);
  t.match(odd.err, /multiple of 65536/);
  t.match((await lockstep('volume', 'delete', 'scratch', '--yes')).out, 'scratch is deleted.');
});

const first = await imported(raw, '--name', 'first', '--verify');

t.test('a raw image is imported, and both copies have its holes', async (t) => {
  t.match(first.image, { format: 'raw', dataBytes: 4 * MIB + BLOCK });
  t.type(first.compareMs, 'number');
  t.equal(first.volume.sizeBytes, 48 * MIB + 65_536);
  t.match(await same('raw', raw, uriOf(first)), 'Images are identical');
  for (const host of HOSTS) {
    const file = await layerFile(installation.host(host).stateDir, first.volume.id);
    const used = statSync(file).blocks * BLOCK;
    t.ok(used >= 4 * MIB && used < 5 * MIB, `${host} keeps ${String(used)} bytes`);
  }
  const secondary = installation.host('host-b').address;
  t.match(await same('raw', raw, `nbd://${secondary}/${first.volume.id}@secondary`), 'Images are identical');
});

t.test('a compressed qcow2 image is imported, by the name of its file', async (t) => {
  const { code, out, err } = await lockstep('volume', 'import', qcow2, '--verify');
  t.equal(code, 0, err);
  t.match(out, /Disk 2\.qcow2: qcow2, 48 MiB, of which 4(\.\d)? MiB are data\./);
  t.match(out, /^Copy to nbd.*\n( {2}\d+ %\n)* {2}100 %\n/m);
  t.match(out, /disk-2-[0-9a-f]{8} holds .*copied and flushed in .*, compared and found equal in /);
  const [uri = ''] = /(?<=^Use it: ).*$/m.exec(out) ?? [];
  t.match(await same('qcow2', qcow2, uri), 'Images are identical');
});

t.test('a snapshot is exported to qcow2 and raw, and imported again', async (t) => {
  await installation.client.snapshots.create('first', 'monday');
  const uri = uriOf(first, '@monday');
  const [copy, plain] = [join(folder, 'monday.qcow2'), join(folder, 'monday.raw')];
  await output('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', uri, copy);
  await output('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', uri, plain);
  // What is written afterwards is in neither.
  await output('qemu-io', '-f', 'raw', '-c', 'write -P 1 0 64k', uriOf(first));
  t.match(await output('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', raw, copy), 'Images are identical');
  for (const file of [copy, plain]) {
    const used = statSync(file).blocks * BLOCK;
    t.ok(used < 6 * MIB, `${file} has ${String(used)} bytes`);
  }
  const again = await imported(uri, '--name', 'again', '--verify');
  t.match(await same('raw', plain, uriOf(again)), 'Images are identical');
});

t.test('what cannot be imported is refused, and leaves no volume', async (t) => {
  const before = await volumes();
  const huge = join(folder, 'huge.img');
  await output('qemu-img', 'create', '-q', '-f', 'qcow2', huge, '9T');
  const lost = join(folder, 'lost.qcow2');
  const options = ['-u', '-f', 'qcow2', '-F', 'qcow2', '-b', '/nonexistent/base.qcow2'];
  await output('qemu-img', 'create', '-q', ...options, lost, '1M');
  const cases: readonly (readonly [args: readonly string[], wanted: RegExp])[] = [
    [[join(folder, 'none.img')], /there is no such file/],
    [[folder], /is a folder/],
    [[huge], /a disk of 9 TiB.*\n.*at most 8796093022208 \(8 TiB\)/],
    [[lost], /nonexistent\/base\.qcow2.*\n.*rebase/],
    [[raw, '--name', 'first'], /"first" is taken\n.*--name/],
    [[raw, '--name', 'Not Me'], /"Not Me" is no name/],
    [[raw, '--zones', 'a,c'], /zones is "c"/],
  ];
  await Promise.all(cases.map(([args, wanted]) => refused(t, args, wanted)));
  t.same(await volumes(), before);
});

t.test('a copy that fails takes its volume back, or keeps it where that is asked for', async (t) => {
  // These hosts know no TLS: the volume is there when that is found out.
  const args = [raw, '--name', 'half', '--tls-certificates', folder];
  const kept = [raw, '--name', 'kept', '--tls-certificates', folder, '--keep'];
  await Promise.all([
    refused(t, args, /no TLS with nbds:.*\n.*The volume half-[0-9a-f]{8} was deleted again\./),
    refused(t, kept, /kept in kept-[0-9a-f]{8}; delete it with: lockstep volume delete kept-/),
  ]);
  const left = await volumes();
  t.notOk(left.includes('databases/half'));
  t.ok(left.includes('databases/kept'));
});

t.test('an import that a person ends takes its volume back', async (t) => {
  const program = spawn(process.execPath, words(['volume', 'import', raw, '--name', 'ended']), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  program.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  program.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
    // While the volume is being made, and once: a person who asks twice does not want to wait for the end of it.
    if (out.includes('[3/9]') && !program.killed) program.kill('SIGINT');
  });
  const [code] = (await once(program, 'close')) as [number];
  t.equal(code, 130, out);
  t.match(err, /error: interrupted\nThe volume ended-[0-9a-f]{8} was deleted again\./);
  t.notOk((await volumes()).includes('databases/ended'));
});
