/** On the strength of which generation control acts. */
import type { Fence } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { LockstepError } from '../sys/errors.ts';
import type { Volumes } from '../volume/volumes.ts';

/**
 * Refuses what is older than what this host has seen: a workflow that was overtaken by a failover must not act on a
 * replica of the generation after. A replica that knows nothing yet has seen nothing.
 */
export function checkFence(
  volumes: Pick<Volumes, 'generationOf'>,
  fence: Fence | undefined,
  volume: string,
): void {
  const seen = volumes.generationOf(volume);
  const given = Number(fence?.generation ?? 0n);
  if (given >= seen) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `${fence?.workflow ?? 'a call'} acts on generation ${String(given)} of ${volume}, and this host has seen ${String(seen)}`,
    { reason: 'STALE_FENCE', metadata: { volume, generation: String(seen) } },
  );
}
