/**
 * CloneSnapshot: a volume without an engine that begins as a snapshot, on the host of its snapshot alone. A workflow makes
 * it, which holds it meanwhile and takes away again what it cannot finish, so that nothing is ever on a host that no
 * record tells of; the answer is that workflow's end.
 */
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type {
  CloneSnapshotRequest,
  CloneSnapshotResponse,
} from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import type { Agents } from '../agents.ts';
import { NO_ENGINE } from '../model/engines.ts';
import type { Starter } from '../starter.ts';
import { runningTwin } from './busy.ts';
import { nameTaken, newDatabase } from './create-request.ts';
import { checkNewDatabaseId } from './fields.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { untilDone } from './outcome.ts';
import { locate, type Located } from './snapshot-hosts.ts';

interface CloneOptions extends IdempotentOptions {
  readonly agents: Agents;
  readonly starter: Starter;
  readonly wallClock: () => number;
}

/** Its clients come to the NBD port of its host. */
const NO_PORT = 0;
/** As any new database; what is not said is of one without an engine. */
const ALONE = {
  engine: NO_ENGINE,
  engineVersion: '',
  zones: [],
  copies: 1,
  parameters: {},
  tags: {},
  deletionProtection: false,
} as const;

export async function cloneSnapshot(
  options: CloneOptions,
  { name, cloneId, host }: CloneSnapshotRequest,
  signal: AbortSignal,
): Promise<CloneSnapshotResponse> {
  checkNewDatabaseId(cloneId, 'clone_id');
  const located = await locate(options, { name, host });
  const { volume, operation } = await begin(options, cloneId, located);
  await untilDone(options.engine, operation, signal);
  return { volume: `volumes/${volume}`, database: `databases/${cloneId}`, host: `hosts/${located.host}` };
}

/**
 * Answers the name of the clone's volume, too. There is no request id: one that is being made of the same snapshot is
 * the one that is asked for; where it is there, the name is taken.
 */
async function begin(
  options: CloneOptions,
  cloneId: string,
  { found, snapshot: keptSnapshot, host, sizeBytes }: Located,
): Promise<{ readonly volume: string; readonly operation: Operation }> {
  const { repository, engine, starter } = options;
  const { volume: origin } = found.volume.value;
  const wish = { id: cloneId, sizeBytes, ...ALONE };
  let record = newDatabase(wish, { port: NO_PORT, nowMs: options.wallClock() });
  const operation = await idempotently(options, 'clone-snapshot', { requestId: '' }, async () => {
    const taken = (await repository.database(cloneId))?.value;
    if (taken === undefined)
      return starter.clone(record, { origin, keptSnapshot, host, sizeBytes }, undefined);
    const twin = await runningTwin(engine, taken, 'clone-volume', { origin, keptSnapshot, host });
    if (twin === undefined) throw nameTaken('clone_id', taken);
    record = taken;
    return { ok: true, id: twin };
  });
  return { volume: record.volume, operation };
}
