/**
 * A checkpoint while the engine still serves: a shutdown writes what is dirty before it ends, and all of that time
 * nobody is served. Clients go on meanwhile, so a checkpoint that took long is followed by another one, which has only
 * what was written during the first.
 */
import pg from 'pg';
import { bootClock } from '../sys/clock.ts';
import { CHECKPOINT_TIMEOUT_MS, ENGINE_PROBE_TIMEOUT_MS } from './limits.ts';

/** What is left for the shutdown to write then takes about as long. */
const SHORT_MS = 200;
const MOST_CHECKPOINTS = 3;

/** An engine that cannot do it, because it hangs or is about to die, is stopped all the same. */
export async function checkpointWhileServing(
  where: Pick<pg.ClientConfig, 'host' | 'port' | 'user' | 'database'>,
): Promise<void> {
  const client = new pg.Client({
    ...where,
    connectionTimeoutMillis: ENGINE_PROBE_TIMEOUT_MS,
    query_timeout: CHECKPOINT_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    for (let count = 0; count < MOST_CHECKPOINTS; count++) {
      const startedMs = bootClock.nowMs();
      await client.query('CHECKPOINT');
      if (bootClock.nowMs() - startedMs < SHORT_MS) return;
    }
  } catch {
    // The shutdown writes what is left.
  } finally {
    client.end().catch(() => undefined);
  }
}
