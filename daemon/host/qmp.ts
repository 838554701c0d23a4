/** QEMU's monitor on a Unix socket: one JSON object a line, one answer to each command, events in between. */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { LockstepError, messageOf } from '../sys/errors.ts';
import { DEVICE_COMMAND_TIMEOUT_MS } from './limits.ts';

export type Monitor = (command: string, args?: object) => Promise<unknown>;

const answerSchema = z.union([
  z.object({ return: z.unknown() }),
  z.object({ error: z.object({ desc: z.string() }) }),
]);

/** For the time of the work. Each command has as long as any command about a device. */
export async function withMonitor<Value>(
  socket: string,
  work: (monitor: Monitor) => Promise<Value>,
): Promise<Value> {
  const connection = connect({ path: socket });
  const failed = new Promise<never>((_resolve, reject) => {
    connection.on('error', reject);
    connection.on('close', () => {
      reject(new Error('the connection ended'));
    });
    connection.setTimeout(DEVICE_COMMAND_TIMEOUT_MS, () => {
      reject(new Error(`no answer within ${String(DEVICE_COMMAND_TIMEOUT_MS)} ms`));
    });
  });
  failed.catch(() => undefined);
  const lines = createInterface({ input: connection })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    for (;;) {
      const line = await Promise.race([lines.next(), failed]);
      if (line.done === true) throw new Error('the connection ended');
      const said = JSON.parse(line.value) as object;
      if (!('event' in said)) return said;
    }
  };
  const monitor: Monitor = async (execute, args = {}) => {
    connection.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const answer = answerSchema.parse(await next());
    if ('error' in answer) throw new Error(`${execute}: ${answer.error.desc}`);
    return answer.return;
  };
  try {
    // It speaks first, and takes no other command before this one.
    await next();
    await monitor('qmp_capabilities');
    return await work(monitor);
  } catch (cause) {
    if (cause instanceof LockstepError) throw cause;
    throw new LockstepError('UNAVAILABLE', `the monitor of the attached volume: ${messageOf(cause)}`, {
      reason: 'ATTACH_MONITOR',
      cause,
    });
  } finally {
    connection.destroy();
  }
}
