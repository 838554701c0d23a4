/** Where other hosts' primaries connect. The first frame of a link says which volume it is about. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { LockstepError } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';
import type { DecodedFrame } from './codec.ts';
import { Link } from './link.ts';

/** A connection that says nothing within this is none of ours. */
const FIRST_FRAME_MS = 5000;
/** One per volume and a few that are being replaced. */
const MAX_LINKS = 4096;

export class ReplicationServer {
  readonly #server: Server;

  constructor(accept: (link: Link, first: DecodedFrame) => void, log: Log) {
    this.#server = createServer((socket) => {
      const link = new Link(socket);
      const timer = setTimeout(() => {
        link.close();
      }, FIRST_FRAME_MS);
      let accepted = false;
      link.start({
        onFrame: (frame) => {
          clearTimeout(timer);
          accepted = true;
          accept(link, frame);
        },
        onChunkEnd: () => undefined,
        onClose: (reason) => {
          clearTimeout(timer);
          if (!accepted) log.warn({ reason, from: socket.remoteAddress }, 'a replication link said nothing');
        },
      });
    });
    this.#server.maxConnections = MAX_LINKS;
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        reject(
          new LockstepError(
            'FAILED_PRECONDITION',
            `ports.replication: ${host}:${String(port)}: ${cause.message}`,
            {
              reason: cause.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'CANNOT_LISTEN',
              violations: [
                { field: 'ports.replication', value: String(port), allowed: `a port free on ${host}` },
              ],
              cause,
            },
          ),
        );
      });
      this.#server.listen(port, host, resolve);
    });
  }

  /** Another than asked for where 0 was. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }
}
