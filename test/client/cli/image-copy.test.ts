/** Images into a served volume, over its Unix socket and over TLS; and what may go wrong on the way. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { compareImage, copyImage } from '../../../client/cli/image-copy.ts';
import { type Image, inspectImage } from '../../../client/cli/image.ts';
import { parseSource } from '../../../client/cli/image-source.ts';
import { type NbdTarget, targetOf } from '../../../client/cli/nbd-target.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { attempt, output } from '../../support/client-command.ts';
import { refusal } from '../../support/control-harness.ts';
import { MIB, VolumeServer } from '../../support/volume-server.ts';
import { volumeInSync } from '../fixtures.ts';

const SIZE_BYTES = 16 * MIB;
const DATA = Buffer.alloc(100_000, 7);
const volume = volumeInSync({ name: 'volumes/orders' });
const { signal } = new AbortController();

interface Place {
  readonly port?: string;
  readonly socket?: string;
  readonly tlsFolder?: string;
}

function at({ port = '1', socket, tlsFolder }: Place): NbdTarget {
  const listener = { address: `127.0.0.1:${port}`, socket: socket ?? '', tls: 'allowed' };
  return targetOf(volume, listener, { isHere: socket !== undefined, tlsFolder });
}

/** Data in the middle and at the end, holes between, and an end that is no whole block of anything. */
async function image(t: Test): Promise<Image> {
  const file = join(t.testdir(), 'disk.raw');
  writeFileSync(file, '');
  truncateSync(file, 10 * MIB + 512);
  const descriptor = openSync(file, 'r+');
  for (const place of [MIB + 512, 10 * MIB + 512 - DATA.length])
    writeSync(descriptor, DATA, 0, DATA.length, place);
  closeSync(descriptor);
  return inspectImage(parseSource(file), { format: 'raw', signal });
}

t.test('an image is copied over TLS, is the same, and its holes are holes', async (t) => {
  const { folder } = makeCertificates(t);
  const server = await VolumeServer.start(t, SIZE_BYTES, folder);
  const target = at({ port: String(server.port), tlsFolder: folder });
  const percents: number[] = [];
  const source = await image(t);
  await copyImage(source, target, { signal, onPercent: (percent) => percents.push(percent) });
  t.equal(percents.at(-1), 100);
  await compareImage(source, target, { signal });
  const map = JSON.parse(
    await output('nbdinfo', '--map', '--json', `nbd+unix:///orders?socket=${server.socket}`),
  ) as readonly { readonly length: number; readonly type: number }[];
  const dataBytes = map.reduce((sum, { length, type }) => sum + (type === 0 ? length : 0), 0);
  t.ok(dataBytes >= 2 * DATA.length && dataBytes < MIB, `${String(dataBytes)} bytes are data`);
});

t.test('a volume that differs is found out, also beyond the end of the image', async (t) => {
  const server = await VolumeServer.start(t, SIZE_BYTES);
  const target = at({ socket: server.socket });
  const source = await image(t);
  await copyImage(source, target, { signal });
  for (const place of ['1M', '12M']) {
    await output('qemu-io', '-c', `write -P 9 ${place} 512`, target.fileName);
    t.match(await refusal(compareImage(source, target, { signal })), {
      reason: 'IMAGE_DIFFERS',
      message: `offset ${String(parseInt(place) * MIB)}`,
    });
    await output('qemu-io', '-c', `write -z ${place} 512`, target.fileName);
  }
  await compareImage(source, target, { signal });
});

t.test('a copy that nobody takes says where it went', async (t) => {
  const source = await image(t);
  await t.rejects(copyImage(source, at({}), { signal }), {
    reason: 'NBD_UNREACHABLE',
    message:
      "nbd://127.0.0.1:1/orders cannot be reached: Failed to connect to '127.0.0.1:1': Connection refused",
  });
  const server = await VolumeServer.start(t, SIZE_BYTES);
  const port = String(server.port);
  await t.rejects(copyImage(source, at({ port, tlsFolder: '/nonexistent' }), { signal }), {
    reason: 'NBD_TLS',
    message: /ca-cert\.pem/,
  });
  const { folder } = makeCertificates(t);
  const work = copyImage(source, at({ port, tlsFolder: folder }), { signal });
  t.match(await refusal(work), { reason: 'NBD_TLS' });
});

t.test('a copy that is given up leaves no program behind', async (t) => {
  const server = await VolumeServer.start(t, SIZE_BYTES);
  const source = await image(t);
  const aborter = new AbortController();
  const onPercent = (): void => {
    aborter.abort();
  };
  await t.rejects(copyImage(source, at({ socket: server.socket }), { signal: aborter.signal, onPercent }), {
    name: 'AbortError',
  });
  const { stdout } = await attempt('pgrep', '-f', `qemu-img convert.*${server.socket}`);
  t.equal(stdout, '');
});

/** A server that is not the product's: what is asked of it is looked at, or made to fail. */
async function nbdkit(t: Test, ...args: readonly string[]): Promise<string> {
  // Not the folder of the test: the path of a socket has to be short.
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-nbdkit-'));
  const socket = join(folder, 'nbd.sock');
  const server = spawn('nbdkit', ['-f', '-U', socket, ...args], { stdio: 'ignore' });
  t.teardown(async () => {
    if (server.kill('SIGKILL')) await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  });
  while (!existsSync(socket)) {
    if (server.exitCode !== null) throw new Error('nbdkit has ended');
    await sleep(10);
  }
  return socket;
}

interface Asked {
  readonly connection: string;
  readonly command: string;
  readonly bytes: number;
}

/** Of a line that says that a request begins. */
function requestIn(line: string): readonly Asked[] {
  const found = /connection=(\d+) (Write|Zero|Trim|Flush) (?:.*count=(0x[0-9a-f]+))?/.exec(line);
  const [, connection = '', command = '', count = '0'] = found ?? [];
  return found === null ? [] : [{ connection, command, bytes: Number(count) }];
}

t.test('no zeroes are written, and a flush comes after all that is', async (t) => {
  const source = await image(t);
  const log = join(t.testdirName, 'log');
  const socket = await nbdkit(t, '--filter=log', 'memory', '16M', `logfile=${log}`);
  await copyImage(source, at({ socket }), { signal });
  const asked = readFileSync(log, 'utf8').split('\n').flatMap(requestIn);
  const written = asked.filter(({ command }) => command === 'Write');
  t.ok(written.reduce((sum, { bytes }) => sum + bytes, 0) < 3 * DATA.length, 'no more than the data');
  t.same([...new Set(asked.map(({ command }) => command))].sort(), ['Flush', 'Write']);
  t.equal(asked.at(-1)?.command, 'Flush');
  t.ok(asked.at(-1)?.connection !== written.at(-1)?.connection, 'by itself');
});

const FAILING_FLUSH = `#!/bin/sh
case "$1" in
  get_size) echo 16M ;;
  can_write|can_flush) ;;
  pread) head -c "$3" /dev/zero ;;
  pwrite) cat >/dev/null ;;
  flush) echo EIO >&2; exit 1 ;;
  *) exit 2 ;;
esac
`;

t.test('a flush that fails is told, though qemu-img convert says that all is well', async (t) => {
  const folder = t.testdir();
  const [script, file] = [join(folder, 'sh'), join(folder, 'disk.raw')];
  writeFileSync(script, FAILING_FLUSH, { mode: 0o755 });
  writeFileSync(file, DATA);
  const socket = await nbdkit(t, 'sh', script);
  const source = await inspectImage(parseSource(file), { format: 'raw', signal });
  t.match(await refusal(copyImage(source, at({ socket }), { signal })), { reason: 'FLUSH_FAILED' });
});
