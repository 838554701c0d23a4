/**
 * Ports that no other test process takes while this one is between two lives of a server: hosts and control come back on
 * the port that they had. Below the range that outgoing connections get theirs from.
 */
import { createServer } from 'node:net';
import { type Server, ServerCredentials } from '@grpc/grpc-js';

const FIRST = 10_000;
const PER_PROCESS = 100;
/** Processes whose numbers are this far apart share ports; they do not run at once. */
const PROCESSES = 200;

let taken = 0;

export async function ownPort(): Promise<number> {
  const port = FIRST + (process.pid % PROCESSES) * PER_PROCESS + (taken++ % PER_PROCESS);
  return (await isFree(port)) ? port : ownPort();
}

/** A service of this machine may have it. */
function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  return promise;
}

export async function bindServer(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.bindAsync(`127.0.0.1:${String(port)}`, ServerCredentials.createInsecure(), (error) => {
    if (error === null) resolve(undefined);
    else reject(error);
  });
  await promise;
}
