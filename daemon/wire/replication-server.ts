/** Where other hosts' primaries connect. The first frame of a link says which volume it is about. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { adoptDirectly } from '../sys/direct-socket.ts';
import { cannotListen, messageOf } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';
import type { DecodedFrame } from './codec.ts';
import { Link, receiveBuffer } from './link.ts';

/** A connection that says nothing within this is none of ours. */
const FIRST_FRAME_MS = 5000;
/** One per volume and a few that are being replaced. */
const MAX_LINKS = 4096;

export class ReplicationServer {
  readonly #server: Server;
  readonly #log: Log;

  constructor(accept: (link: Link, first: DecodedFrame) => void, log: Log) {
    this.#log = log;
    this.#server = createServer({ pauseOnConnect: true }, (accepted) => {
      const received = receiveBuffer();
      const direct = adoptDirectly(accepted, received, { allowHalfOpen: false });
      const socket = direct ?? accepted;
      const link = new Link(socket, direct === undefined ? {} : { received });
      const timer = setTimeout(() => {
        link.close();
      }, FIRST_FRAME_MS);
      let hasSpoken = false;
      link.start({
        onFrame: (frame) => {
          clearTimeout(timer);
          hasSpoken = true;
          accept(link, frame);
        },
        onChunkEnd: () => undefined,
        onClose: (reason) => {
          clearTimeout(timer);
          if (!hasSpoken) log.warn({ reason, from: socket.remoteAddress }, 'a replication link said nothing');
        },
      });
    });
    this.#server.maxConnections = MAX_LINKS;
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (cause: Error): void => {
        reject(cannotListen('ports.replication', { host, port }, cause));
      };
      this.#server.once('error', failed);
      this.#server.listen(port, host, () => {
        // A connection that cannot be taken, for want of descriptors or memory, is not the end of those that stand.
        this.#server.off('error', failed).on('error', (error) => {
          this.#log.error({ error: messageOf(error) }, 'the replication port failed to take a connection');
        });
        resolve();
      });
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
