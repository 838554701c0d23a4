/**
 * The plainest way to have a file on another host: one process reads it and sends it over TCP, another takes it in and
 * writes it, and has it on stable storage at the end. `node plain-copy.ts receive FILE` and `node plain-copy.ts send FILE
 * PORT` are the two; both in sessions of their own, as the daemons that they are measured beside.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Readable } from 'node:stream';

const CHUNK_BYTES = 1024 * 1024;
const HOST = '127.0.0.1';

export interface PlainCopy {
  readonly bytes: number;
  /** From the connection to the last byte on stable storage. */
  readonly ms: number;
}

export async function plainCopy(from: string, to: string): Promise<PlainCopy> {
  const receiver = start(['receive', to]);
  try {
    const port = await word(receiver);
    const sender = start(['send', from, port]);
    const [copied] = await Promise.all([word(receiver), once(sender, 'exit')]);
    return JSON.parse(copied) as PlainCopy;
  } finally {
    receiver.kill();
  }
}

function start(argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, [import.meta.filename, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
}

/** The next line that it says, short enough to come in one piece. */
async function word(child: ChildProcess): Promise<string> {
  const stdout = child.stdout as Readable;
  const [chunk] = (await once(stdout, 'data')) as [Buffer];
  return chunk.toString().trim();
}

async function receive(path: string): Promise<void> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : '');
  const [socket] = (await once(server, 'connection')) as [ReturnType<typeof connect>];
  const startMs = performance.now();
  // Over what there is: an older copy is written over, and not given back first.
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT);
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
    bytes += chunk.length;
  });
  await once(socket, 'end');
  fdatasyncSync(file);
  closeSync(file);
  console.log(JSON.stringify({ bytes, ms: performance.now() - startMs } satisfies PlainCopy));
  socket.destroy();
  server.close();
}

async function send(path: string, port: number): Promise<void> {
  const file = openSync(path, 'r');
  const socket = connect({ host: HOST, port });
  await once(socket, 'connect');
  for (;;) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const length = readSync(file, chunk);
    if (length === 0) break;
    if (!socket.write(chunk.subarray(0, length))) await once(socket, 'drain');
  }
  socket.end();
  await once(socket, 'close');
  closeSync(file);
}

if (process.argv[1] === import.meta.filename) {
  const [, , what, path = '', port] = process.argv;
  if (what === 'receive') await receive(path);
  else await send(path, Number(port));
}
