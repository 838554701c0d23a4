/** Where a new engine listens: on any host it is the same port, since its database may move to any. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Repository } from '../repository.ts';

const HIGHEST_PORT = 65_535;

/** From `first` up, the lowest that no database has. */
export async function freePort(repository: Repository, first: number): Promise<number> {
  const taken = new Set((await repository.databases()).map((entry) => entry.value.port));
  for (let port = first; port <= HIGHEST_PORT; port++) if (!taken.has(port)) return port;
  throw new LockstepError('RESOURCE_EXHAUSTED', `no port from ${String(first)} up is free`, {
    reason: 'NO_FREE_PORT',
  });
}
