/** Asks a server on its Unix socket whether it answers queries. */
import { connect } from 'node:net';
import type { Probe } from '../engines/engine.ts';
import { ENGINE_PROBE_TIMEOUT_MS, PROBE_ANSWER_BYTES } from './limits.ts';

/**
 * One connection, one exchange: a start asks every few milliseconds, and neither a client program nor a whole client
 * library has to be run for a single answer. Refused, or still in recovery: either way not yet.
 */
export function answers(socket: string, probe: Probe): Promise<boolean> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const connection = connect({ path: socket });
    const finish = (isAnswered: boolean): void => {
      clearTimeout(timer);
      connection.destroy();
      resolve(isAnswered);
    };
    const timer = setTimeout(finish, ENGINE_PROBE_TIMEOUT_MS, false);
    connection.on('connect', () => {
      connection.write(probe.send);
    });
    connection.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (probe.answered(received)) finish(true);
      else if (received.length > PROBE_ANSWER_BYTES) finish(false);
    });
    connection.on('close', () => {
      finish(false);
    });
    // "close" follows.
    connection.on('error', () => undefined);
  });
}
