/**
 * The peers: other servers of NBD that can run beside this one, with the settings that their manuals recommend for a
 * file in the page cache. What they hold is as safe as it is here: a write is in the page cache when it is answered,
 * and on stable storage when a flush behind it is.
 */
import { execFile } from 'node:child_process';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ChildServer } from './child-server.ts';
import type { Served, Setup, StartOptions } from './setup.ts';

const run = promisify(execFile);
const START_MS = 10_000;
const POLL_MS = 20;
const CONNECTIONS = '16';
/** Of the servers that give their exports names. */
const EXPORT = 'bench';

export const plainFile: Setup = {
  name: 'file',
  title: 'plain file',
  copies: 0,
  version: () => versionOf('fio', ['--version']),
  start({ folder, sizeBytes }) {
    return Promise.resolve({
      target: { file: sparseFile(folder, 'data', sizeBytes) },
      stop: () => Promise.resolve(),
    });
  },
};

export const nbdkit: Setup = {
  name: 'nbdkit',
  title: 'nbdkit',
  copies: 1,
  version: () => versionOf('nbdkit', ['--version']),
  async start(options) {
    const socket = join(options.folder, 'nbd.sock');
    const server = await startNbdkit(options, socket);
    return served(socket, '', [server]);
  },
};

export const qemuNbd: Setup = {
  name: 'qemu-nbd',
  title: 'qemu-nbd',
  copies: 1,
  version: () => versionOf('qemu-nbd', ['--version']),
  async start(options) {
    const socket = join(options.folder, 'nbd.sock');
    const file = sparseFile(options.folder, 'data', options.sizeBytes);
    const server = await startQemuNbd(options, socket, ['--format=raw', '--cache=writeback', file]);
    return served(socket, EXPORT, [server]);
  },
};

export const nbdServer: Setup = {
  name: 'nbd-server',
  title: 'nbd-server',
  copies: 1,
  version: () => versionOf('nbd-server', ['--version']),
  async start({ folder, sizeBytes, cpus }) {
    const socket = join(folder, 'nbd.sock');
    const file = sparseFile(folder, 'data', sizeBytes);
    const [config, pidFile] = [join(folder, 'config'), join(folder, 'pid')];
    const lines = [
      '[generic]',
      `unixsock = ${socket}`,
      `[${EXPORT}]`,
      `exportname = ${file}`,
      'flush = true',
      'fua = true',
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    // It goes into the background by itself, and serves each client in a process of its own.
    await run('taskset', ['--cpu-list', cpus, 'nbd-server', '-C', config, '-p', pidFile]);
    await listening(socket);
    const stop = async (): Promise<void> => {
      process.kill(Number(await readFile(pidFile, 'utf8')));
    };
    return served(socket, EXPORT, [{ stop }]);
  },
};

export const quorumNbdkit = quorum(nbdkit, startNbdkitTcp);
export const quorumQemuNbd = quorum(qemuNbd, startQemuNbdTcp);

type Remote = (options: StartOptions) => Promise<{ readonly server: ChildServer; readonly port: number }>;

/**
 * QEMU's quorum driver in front of a local file and one that is served over TCP: a write is answered when both have it.
 * Reads are those of `fifo`, the faster of its two ways: the local file, without a look at the other.
 */
function quorum(remotely: Setup, startRemote: Remote): Setup {
  return {
    name: `quorum-${remotely.name}`,
    title: `QEMU quorum, ${remotely.name}`,
    copies: 2,
    async version() {
      const versions = [await versionOf('qemu-nbd', ['--version']), await remotely.version()];
      const all = [...new Set(versions)].filter((version) => version !== undefined);
      return versions.includes(undefined) ? undefined : all.join(', ');
    },
    async start(options) {
      const { folder, sizeBytes } = options;
      const { server: remote, port } = await startRemote(options);
      const socket = join(folder, 'nbd.sock');
      const children = [
        ['driver=raw', 'file.driver=file', `file.filename=${sparseFile(folder, 'local', sizeBytes)}`],
        [
          'driver=raw',
          'file.driver=nbd',
          'file.server.type=inet',
          'file.server.host=127.0.0.1',
          `file.server.port=${String(port)}`,
        ],
      ];
      const driver = ['driver=quorum', 'vote-threshold=2', 'read-pattern=fifo'];
      const nodes = children.flatMap((child, at) => child.map((one) => `children.${String(at)}.${one}`));
      try {
        const front = await startQemuNbd(options, socket, ['--image-opts', [...driver, ...nodes].join(',')]);
        return served(socket, EXPORT, [front, remote]);
      } catch (error) {
        await remote.stop();
        throw error;
      }
    },
  };
}

async function startNbdkitTcp(options: StartOptions): ReturnType<Remote> {
  const port = await freePort();
  const file = sparseFile(options.folder, 'remote', options.sizeBytes);
  const where = ['--ipaddr=127.0.0.1', `--port=${String(port)}`];
  const server = new ChildServer('nbdkit', ['--foreground', ...where, 'file', file], options.cpus);
  await server.until(() => accepts({ host: '127.0.0.1', port }), START_MS);
  return { server, port };
}

async function startQemuNbdTcp(options: StartOptions): ReturnType<Remote> {
  const port = await freePort();
  const file = sparseFile(options.folder, 'remote', options.sizeBytes);
  const where = ['--bind=127.0.0.1', `--port=${String(port)}`, `--shared=${CONNECTIONS}`, '--persistent'];
  const argv = [...where, '--format=raw', '--cache=writeback', file];
  const server = new ChildServer('qemu-nbd', argv, options.cpus);
  await server.until(() => accepts({ host: '127.0.0.1', port }), START_MS);
  return { server, port };
}

async function startNbdkit({ folder, sizeBytes, cpus }: StartOptions, socket: string): Promise<ChildServer> {
  const file = sparseFile(folder, 'data', sizeBytes);
  const server = new ChildServer('nbdkit', ['--foreground', `--unix=${socket}`, 'file', file], cpus);
  await server.until(() => accepts({ path: socket }), START_MS);
  return server;
}

async function startQemuNbd(
  { cpus }: StartOptions,
  socket: string,
  what: readonly string[],
): Promise<ChildServer> {
  const names = [`--socket=${socket}`, `--export-name=${EXPORT}`];
  const argv = [...names, `--shared=${CONNECTIONS}`, '--persistent', ...what];
  const server = new ChildServer('qemu-nbd', argv, cpus);
  await server.until(() => accepts({ path: socket }), START_MS);
  return server;
}

function served(socket: string, name: string, servers: readonly { stop(): Promise<void> }[]): Served {
  return {
    target: { uri: `nbd+unix:///${name}?socket=${socket}` },
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}

function sparseFile(folder: string, name: string, sizeBytes: number): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  return path;
}

async function listening(socket: string): Promise<void> {
  const endMs = performance.now() + START_MS;
  while (!existsSync(socket)) {
    if (performance.now() > endMs) throw new Error(`nobody listens at ${socket}`);
    await sleep(POLL_MS);
  }
}

function accepts(
  where: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(where, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/** Free a moment ago: whoever takes it meanwhile has the server fail, and be told of. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}

async function versionOf(program: string, argv: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(program, [...argv]);
    return firstLine(`${stdout}\n${stderr}`);
  } catch (error) {
    // nbd-server says its version, and that it was not asked for anything.
    const said = error as { readonly code?: unknown; readonly stdout?: string; readonly stderr?: string };
    return said.code === 'ENOENT' ? undefined : firstLine(`${said.stdout ?? ''}\n${said.stderr ?? ''}`);
  }
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? 'unknown'
  );
}
