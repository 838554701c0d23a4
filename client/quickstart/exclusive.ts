/**
 * One quick start at a time on a state folder. The lock is a socket with an abstract name: the kernel gives it to one
 * process and takes it back when that process ends, however it ends, so there is no stale lock to judge. Whoever finds
 * it taken connects and is told the pid.
 */
import { createHash } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { LockstepError } from '../../daemon/sys/errors.ts';

const ANSWER_TIMEOUT_MS = 1000;

export async function exclusively<Result>(stateDir: string, work: () => Promise<Result>): Promise<Result> {
  const name = `\0lockstep-quickstart-${createHash('sha256').update(stateDir).digest('hex').slice(0, 32)}`;
  const server = await taken(name, stateDir);
  try {
    return await work();
  } finally {
    server.close();
  }
}

async function taken(name: string, stateDir: string): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(String(process.pid));
  });
  server.once('error', reject);
  server.listen(name, () => {
    resolve(undefined);
  });
  try {
    await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const pid = await pidOfHolder(name);
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `another quick start (pid ${pid}) is at work on ${stateDir}`,
      { reason: 'QUICKSTART_RUNNING', metadata: { pid, next: 'Let it finish, or press Ctrl-C there.' } },
    );
  }
  // It is no reason to stay alive.
  server.unref();
  return server;
}

async function pidOfHolder(name: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(name);
  let answer = '';
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
  socket.setEncoding('utf8');
  socket.on('data', (text) => (answer += String(text)));
  socket.on('error', () => undefined);
  socket.once('close', () => {
    resolve(/^\d+$/.test(answer) ? answer : 'unknown');
  });
  return promise;
}
